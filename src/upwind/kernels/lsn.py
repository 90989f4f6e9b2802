"""The kernels of level set networks as layers."""

import os
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from torch import nn

from upwind.common.errors import UpwindError
from upwind.kernels.layers import Layer
from upwind.levelset.equation.scheme import UPWIND
from upwind.networks.lsn import LSN
from upwind.networks.weights import load_weights


def lsn_layers(paths: Iterable[str | os.PathLike[str]]) -> list[Layer]:
    """Kernels of level set networks, those of all ``paths`` (folds) together, one network's output
    channels after the other's: the four upwind stencils, the five central ones, and the
    convolutions of the speed network. Raises UpwindError for another network."""
    folds = [_layers_of_lsn(path) for path in paths]
    return [
        replace(layers[0], weights=np.concatenate([layer.weights for layer in layers]))
        for layers in zip(*folds, strict=True)
    ]


def _layers_of_lsn(path: str | os.PathLike[str]) -> list[Layer]:
    network, recipe = load_weights(path)
    if not isinstance(network, LSN):
        raise UpwindError(f"{path} is a {recipe.network}; these kernels are read from an lsn")
    stencils = network.stencils.detach().numpy()[:, None]
    upwind, central = np.split(stencils, [UPWIND.stop])
    layers = [layer for layer in network.speed.convolutions if isinstance(layer, nn.Conv2d)]
    convolutions = [layer.weight.detach().numpy() for layer in layers]
    named = [("upwind stencils", upwind), ("central stencils", central)]
    named += [(f"speed {place}", weights) for place, weights in enumerate(convolutions, 1)]
    return [Layer(number, name, weights) for number, (name, weights) in enumerate(named, 1)]
