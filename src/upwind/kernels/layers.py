"""The 3x3 kernels of a trained UNet, layer by layer."""

import os

import numpy as np

from upwind.common.errors import UpwindError
from upwind.networks.unet import UNet
from upwind.networks.weights import load_weights


def convolution_kernels(path: str | os.PathLike[str]) -> list[tuple[int, np.ndarray]]:
    """(layer number, weights (out, in, 3, 3)) of a UNet's weights file, in order of execution."""
    network, recipe = load_weights(path)
    if not isinstance(network, UNet):
        raise UpwindError(f"{path} is a {recipe.network}; the kernel analysis reads a unet")
    return [(n, layer.weight.detach().numpy()) for n, layer in enumerate(network.layers(), 1)]
