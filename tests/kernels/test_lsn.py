"""Kernels of level set networks."""

import numpy as np
import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.kernels.lsn import lsn_layers
from upwind.networks.lsn import LSN
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, build, save_weights

DISC = (0.5, 0.5, 0.1)


def test_kernels_of_level_set_networks_are_those_of_all_folds(tmp_path):
    paths, networks = [], []
    for seed in range(2):
        torch.manual_seed(seed)
        recipe = Recipe("lsn", 32, (-100.0, 400.0), options={"disc": DISC, "channels": 5})
        networks.append(build(recipe))
        paths.append(tmp_path / f"{seed}.safetensors")
        save_weights(paths[-1], networks[-1], recipe)
    layers = lsn_layers(paths)
    assert isinstance(networks[0], LSN)
    assert [layer.name for layer in layers[:3]] == [
        "upwind stencils",
        "central stencils",
        "speed 1",
    ]
    assert [layer.weights.shape[:2] for layer in layers[:4]] == [(8, 1), (10, 1), (10, 1), (10, 5)]
    second = networks[1].speed.convolutions[1].weight.detach().numpy()
    np.testing.assert_array_equal(layers[3].weights[5:], second)


def test_another_network_is_refused(tmp_path):
    path = tmp_path / "unet.safetensors"
    save_weights(path, UNet(), Recipe("unet", 32, (-100.0, 400.0)))
    with pytest.raises(UpwindError, match="read from an lsn"):
        lsn_layers([path])
