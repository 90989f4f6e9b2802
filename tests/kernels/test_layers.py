"""Kernels read from weights files."""

import numpy as np
import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.kernels.layers import convolution_kernels
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, build, save_weights


def test_kernels_are_read_layer_by_layer(tmp_path):
    torch.manual_seed(0)
    network, path = UNet(), tmp_path / "w.safetensors"
    save_weights(path, network, Recipe("unet", 32, (-100.0, 400.0)))
    kernels = convolution_kernels(path)
    assert [number for number, _ in kernels] == list(range(1, 19))
    for (_, weight), layer in zip(kernels, network.layers(), strict=True):
        np.testing.assert_array_equal(weight, layer.weight.detach().numpy())


def test_kernels_of_an_lsn_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    recipe = Recipe("lsn", 32, (-100.0, 400.0), options={"disc": [0.5, 0.5, 0.1]})
    save_weights(path, build(recipe), recipe)
    with pytest.raises(UpwindError, match="reads a unet"):
        convolution_kernels(path)
