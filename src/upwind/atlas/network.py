"""The network whose kernels are shown, with the cluster of each kernel."""

import os
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from upwind.common.errors import UpwindError
from upwind.common.frames import groups
from upwind.kernels.stencils import WEIGHTS
from upwind.networks.patching import layer_kernels
from upwind.networks.unet import Convolution, UNet
from upwind.networks.weights import Recipe, load_weights


@dataclass(frozen=True)
class Clustered:
    """A trained UNet with, for each of its 3x3 convolutions in order of execution, the cluster of
    every kernel: ``clusters[n]`` (output channels, input channels), numbered from 1."""

    network: UNet
    recipe: Recipe
    layers: list[Convolution]
    clusters: list[np.ndarray]


def read_clustered(
    weights: str | os.PathLike[str], kernels: pd.DataFrame, threshold: float
) -> Clustered:
    """The network of a weights file with the clusters of its ``kernels``
    (:attr:`upwind.kernels.clustering.Clustering.kernels`); pixels are liver above the probability
    ``threshold``.

    Raises:
        UpwindError: the file is not a UNet's, or the kernels are not the network's own.
    """
    network, recipe = load_weights(weights)
    if not isinstance(network, UNet):
        raise UpwindError(f"{weights} is a {recipe.network}; the atlas shows a unet")
    layers = network.layers()
    by_layer = {int(layer): part for layer, part in groups(kernels, "layer")}
    clusters = []
    for number, layer in enumerate(layers, start=1):
        own, known = kernel_vectors(layer), by_layer.get(number)
        if known is None or not _are_equal(own, known[WEIGHTS].to_numpy()):
            raise UpwindError(
                f"kernels.csv does not hold the kernels of layer {number} of {weights}: both must "
                "be of one run; delete kernels.csv and run again"
            )
        clusters.append(known["cluster"].to_numpy().reshape(layer.weight.shape[:2]))
    return Clustered(network, replace(recipe, threshold=threshold), layers, clusters)


def kernel_vectors(layer: Convolution) -> np.ndarray:
    """A layer's kernels (n, 9), row-major, output channel by output channel."""
    return layer_kernels(layer).reshape(-1, 9)


def _are_equal(own: np.ndarray, known: np.ndarray) -> bool:
    # As float32 they are the same numbers; the table's text has every digit of them.
    return own.shape == known.shape and np.array_equal(
        own.astype(np.float32), known.astype(np.float32)
    )
