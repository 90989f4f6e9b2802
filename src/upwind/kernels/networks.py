"""The layers of our own networks, from their weights files and from before their training."""

import os
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch

from upwind.common.errors import UpwindError
from upwind.kernels.layers import BOTTOM, DECODER, ENCODER, Layer
from upwind.levelset.equation.scheme import UPWIND
from upwind.networks.lsn import LSN
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, build, load_weights

# Of the paper's UNet layers 1 to 8 go down, 9 and 10 are the bottom, which counts to neither
# encoder nor decoder, and 11 to 18 go up.
_PARTS = {"down": ENCODER, "bottom": BOTTOM, "up": DECODER}


def unet_layers(path: str | os.PathLike[str]) -> list[Layer]:
    """The 18 layers of a UNet's weights file. Raises UpwindError for another network."""
    network, recipe = load_weights(path)
    return _layers_of_unet(network, recipe, path)


def initial_layers(path: str | os.PathLike[str], seed: int) -> list[Layer]:
    """The same layers before any training: the network of the weights file ``path``, built as
    :func:`upwind.training.runs.run_fold` builds it with this seed."""
    with torch.random.fork_rng(devices=[]):
        _, recipe = load_weights(path)
        torch.manual_seed(seed)
        network = build(recipe)
    return _layers_of_unet(network, recipe, path)


def lsn_layers(paths: Iterable[str | os.PathLike[str]]) -> list[Layer]:
    """Kernels of level set networks, those of all ``paths`` (folds) together, one network's output
    channels after the other's: the four upwind stencils, the five central ones, and the
    convolutions of the speed network. Raises UpwindError for another network."""
    folds = [_layers_of_lsn(path) for path in paths]
    return [
        replace(layers[0], weights=np.concatenate([layer.weights for layer in layers]))
        for layers in zip(*folds, strict=True)
    ]


def _layers_of_unet(network: torch.nn.Module, recipe: Recipe, path: object) -> list[Layer]:
    if not isinstance(network, UNet):
        raise UpwindError(f"{path} is a {recipe.network}; the kernel analysis reads a unet")
    names = {module: name for name, module in network.named_modules()}
    layers = network.layers()
    levels = len(network.down)
    found = []
    for place, layer in enumerate(layers):
        name = names[layer]
        # Halved on the way to the bottom, then doubled: after a level's convolutions on the way up.
        level = place // 2
        found.append(
            Layer(
                number=place + 1,
                name=name,
                weights=_array(layer.weight),
                groups=layer.groups,
                part=_PARTS[name.partition(".")[0]],
                halvings=min(level, 2 * levels + 1 - level),
            )
        )
    return found


def _layers_of_lsn(path: str | os.PathLike[str]) -> list[Layer]:
    network, recipe = load_weights(path)
    if not isinstance(network, LSN):
        raise UpwindError(f"{path} is a {recipe.network}; these kernels are read from an lsn")
    stencils = _array(network.stencils)[:, None]
    upwind, central = np.split(stencils, [UPWIND.stop])
    convolutions = [_array(layer.weight) for layer in network.speed.convolutions]
    named = [("upwind stencils", upwind), ("central stencils", central)]
    named += [(f"speed {place}", weights) for place, weights in enumerate(convolutions, 1)]
    return [Layer(number, name, weights) for number, (name, weights) in enumerate(named, 1)]


def _array(weights: torch.Tensor) -> np.ndarray:
    return weights.detach().cpu().numpy()
