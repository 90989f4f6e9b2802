"""Weights of ours, in the order of Figures 1 and 2."""

import json

import numpy as np
import torch
from safetensors.torch import save_file

from upwind.kernels.files.reading import read_network
from upwind.kernels.unet import unet_layers
from upwind.networks.lsn import LSN
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, save_weights


def test_our_unet_is_in_the_order_of_execution(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "w.safetensors"
    save_weights(path, UNet(), Recipe("unet", 16, (0.0, 1.0)))
    network = read_network(path)
    assert network.order.startswith("of execution, by the file's recipe")
    assert [x.part for x in network.layers] == (
        8 * ["encoder"] + 2 * ["bottleneck"] + 8 * ["decoder"]
    )
    for ours, layer in zip(network.layers, unet_layers(path), strict=True):
        assert (ours.number, ours.name) == (layer.number, layer.name)
        np.testing.assert_array_equal(ours.weights, layer.weights)


def test_our_lsn_has_its_stencils(tmp_path):
    path = tmp_path / "w.safetensors"
    disc = (0.5, 0.5, 0.2)
    recipe = Recipe("lsn", 16, (0.0, 1.0), options={"disc": disc})
    save_weights(path, LSN(disc), recipe)
    names = [layer.name for layer in read_network(path).layers]
    assert names[:3] == ["upwind stencils", "central stencils", "speed 1"]


def test_a_header_that_names_no_network_of_ours_is_not_followed(tmp_path):
    weights = {"a.weight": torch.randn(2, 2, 3, 3)}
    for header in ('{"network": "mine:Net"}', "[", '{"network": 3}', "[" * 50_000, "3"):
        save_file(weights, tmp_path / "w.safetensors", metadata={"upwind": header})
        assert [x.name for x in read_network(tmp_path / "w.safetensors").layers] == ["a"]
    save_file(weights, tmp_path / "w.safetensors", metadata={"other": json.dumps({})})
    assert len(read_network(tmp_path / "w.safetensors").layers) == 1
