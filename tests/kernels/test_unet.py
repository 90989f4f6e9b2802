"""Layers of the UNet, trained and before."""

import numpy as np
import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.kernels.unet import initial_layers, unet_layers
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, build, save_weights
from upwind.training import runs
from upwind.training.examples import Examples
from upwind.training.loop import Outcome
from upwind.training.settings import TrainingSettings


@pytest.fixture
def unet(tmp_path):
    torch.manual_seed(0)
    network, path = UNet(), tmp_path / "w.safetensors"
    save_weights(path, network, Recipe("unet", 64, (-100.0, 400.0)))
    return network, path


def test_layers_of_a_unet_are_read_in_order_with_their_parts(unet):
    network, path = unet
    layers = unet_layers(path)
    assert [layer.number for layer in layers] == list(range(1, 19))
    assert [layers[n].name for n in (0, 9, 17)] == ["down.0.first", "bottom.second", "up.3.second"]
    parts = [layer.part for layer in layers]
    assert parts == ["encoder"] * 8 + ["bottleneck"] * 2 + ["decoder"] * 8
    for layer, convolution in zip(layers, network.layers(), strict=True):
        np.testing.assert_array_equal(layer.weights, convolution.weight.detach().numpy())


def test_halvings_are_those_of_the_live_network(unet):
    network, path = unet
    sizes = []
    for convolution in network.layers():
        convolution.register_forward_hook(lambda *found: sizes.append(found[2].shape[-1]))
    network(torch.zeros(1, 1, 64, 64))
    assert [64 >> layer.halvings for layer in unet_layers(path)] == sizes


def test_initial_layers_are_what_training_starts_from(unet, tmp_path, monkeypatch):
    """Held to the training itself, which must not be changed without this."""
    _, path = unet
    started = {}
    monkeypatch.setattr(
        runs,
        "train",
        lambda network, *rest: started.update(network.state_dict()) or Outcome(None, {}, {}),
    )
    nothing = Examples(np.zeros((0, 16, 16), np.float32), np.zeros((0, 16, 16), np.uint8))
    settings = TrainingSettings(epochs=1, window=(-100.0, 400.0), device="cpu")
    runs.run_fold(Recipe("unet", 64, (-100.0, 400.0)), nothing, nothing, settings, 3, "x")
    before = torch.get_rng_state()
    for layer in initial_layers(path, 3):
        np.testing.assert_array_equal(layer.weights, started[f"{layer.name}.weight"])
    assert torch.equal(torch.get_rng_state(), before)


def test_another_network_is_refused(tmp_path):
    path = tmp_path / "lsn.safetensors"
    recipe = Recipe("lsn", 32, (-100.0, 400.0), options={"disc": (0.5, 0.5, 0.1)})
    save_weights(path, build(recipe), recipe)
    with pytest.raises(UpwindError, match="reads a unet"):
        unet_layers(path)
