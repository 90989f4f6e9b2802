"""What of a file's tensors is a layer, and with which weights."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm

from upwind.common.errors import UpwindError
from upwind.kernels.files.reading import read_network


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def saved(state, path):
    torch.save(state, path / "w.pt")
    return read_network(path / "w.pt")


def names(network):
    return [layer.name for layer in network.layers]


def reasons(network):
    return {one.name: one.reason for one in network.left_out}


class Block(nn.Module):
    """As in nnU-Net: the same convolution under two names."""

    def __init__(self, i, o):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3)
        self.all_modules = nn.Sequential(self.conv, nn.ReLU())


class Decoder(nn.Module):
    """And a decoder that holds its encoder."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.stage = encoder, Block(8, 4)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(Block(1, 8), Block(8, 8))
        self.decoder = Decoder(self.encoder)


def test_one_parameter_under_several_names_is_one_layer(tmp_path):
    network = saved({"network_weights": Net().state_dict(), "current_epoch": 3}, tmp_path)
    assert names(network) == ["encoder.0.conv", "encoder.1.conv", "decoder.stage.conv"]
    assert network.aliases[1] == [
        "encoder.0.all_modules.0",
        "decoder.encoder.0.conv",
        "decoder.encoder.0.all_modules.0",
    ]
    assert sum(len(layer.kernels) for layer in network.layers) == 8 + 64 + 32
    table = network.tables()["network"]
    assert table["other_names"][2] == "decoder.stage.all_modules.0"
    assert table["shape"].tolist() == ["8x1x3x3", "8x8x3x3", "4x8x3x3"]


def test_where_a_file_has_no_storages_equal_weights_are_one_parameter(tmp_path):
    state = {name: tensor.clone() for name, tensor in Net().state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    network = read_network(tmp_path / "w.safetensors")
    assert names(network) == ["decoder.encoder.0.all_modules.0", "decoder.encoder.1.all_modules.0",
                              "decoder.stage.all_modules.0"]  # fmt: skip
    assert "of the names" in network.order


def test_layers_of_one_number_are_not_joined(tmp_path):
    zeros = {f"{n}.weight": torch.zeros(2, 2, 3, 3) for n in range(2)}
    assert names(saved(zeros, tmp_path)) == ["0", "1"]


def test_views_of_one_storage_are_layers_of_their_own(tmp_path):
    both = torch.randn(2, 4, 2, 3, 3)
    assert names(saved({"a.weight": both[0], "b.weight": both[1]}, tmp_path)) == ["a", "b"]


def test_a_pruned_layer_has_its_mask_applied(tmp_path):
    layer = nn.Conv2d(4, 8, 3)
    prune.l1_unstructured(layer, "weight", amount=0.7)
    network = saved(layer.state_dict(), tmp_path)
    assert names(network) == ["weight"]
    np.testing.assert_array_equal(network.layers[0].weights, layer.weight.detach())
    assert (network.layers[0].weights == 0).mean() == pytest.approx(0.7, abs=0.01)


def _weight_norm(layer):
    with pytest.warns(FutureWarning):
        return nn.utils.weight_norm(layer)


@pytest.mark.parametrize(
    "wrap",
    [_weight_norm, parametrizations.weight_norm, spectral_norm, parametrizations.spectral_norm],
)
def test_weights_are_those_that_the_layer_convolves_with(wrap, tmp_path):
    layer = wrap(nn.Conv2d(3, 5, 3)).eval()
    layer(torch.zeros(1, 3, 8, 8))
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.endswith(("_g", "original0")):
                parameter *= torch.linspace(0.5, 2, 5)[:, None, None, None]
    layer(torch.zeros(1, 3, 8, 8))
    network = saved({f"body.{n}": t for n, t in layer.state_dict().items()}, tmp_path)
    assert names(network) == ["body"]
    expected = layer.weight.detach()
    np.testing.assert_allclose(network.layers[0].weights, expected, rtol=2e-6)
    assert network.left_out == []


def test_a_part_whose_other_parts_are_missing_is_left_out(tmp_path):
    layer = parametrizations.orthogonal(nn.Conv2d(3, 5, 3))
    state = {"a.weight_orig": torch.randn(2, 2, 3, 3), "c.weight": torch.randn(2, 2, 3, 3)}
    state |= {f"b.{n}": t for n, t in layer.state_dict().items()}
    network = saved(state, tmp_path)
    assert names(network) == ["c"]
    assert set(reasons(network)) == {
        "a.weight_orig",
        "b.parametrizations.weight.original",
        "b.parametrizations.weight.0.base",
    }
    assert all("other parts are not in the file" in why for why in reasons(network).values())


def test_a_mask_that_does_not_fit_is_no_mask(tmp_path):
    wide = torch.zeros(1).expand(100_000, 1000, 3, 3)
    state = {"a.weight_orig": torch.randn(2, 2, 3, 3), "a.weight_mask": wide}
    state["b.weight"] = torch.randn(2, 2, 3, 3)
    assert names(saved(state, tmp_path)) == ["b"]


def test_state_of_an_optimiser_by_number_and_by_name(tmp_path):
    net = nn.Conv2d(2, 2, 3)
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.zeros(1, 2, 4, 4)).sum().backward()
    optimiser.step()
    by_name = {"weight": {"exp_avg": torch.zeros(2, 2, 3, 3)}}
    network = saved(
        {"model": net.state_dict(), "optimizer": optimiser.state_dict(), "named": by_name}, tmp_path
    )
    assert names(network) == ["weight"]
    assert reasons(network) == dict.fromkeys(
        ["optimizer.state.0.exp_avg", "optimizer.state.0.exp_avg_sq", "named.weight.exp_avg"],
        "state of an optimiser",
    )


@pytest.mark.parametrize("section", ["network_ema", "state_dict_ema", "params_ema", "ema.module"])
def test_an_averaged_copy_is_left_out_where_its_original_is_there(section, tmp_path):
    plain = nn.Sequential(nn.Conv2d(2, 2, 3)).state_dict()
    averaged = {name: tensor + 0.01 for name, tensor in plain.items()}
    network = saved({"network": plain, section: averaged}, tmp_path)
    assert names(network) == ["0"]
    reason = "an averaged copy of weights that are in the file, too"
    assert reasons(network) == {f"{section}.0.weight": reason}
    alone = saved({section: averaged}, tmp_path)
    assert names(alone) == ["0"]
    np.testing.assert_array_equal(alone.layers[0].weights, averaged["0.weight"])


def test_an_averaged_copy_whose_names_have_lost_their_dots(tmp_path):
    state = {"model.block.0.weight": torch.randn(2, 2, 3, 3)}
    state["model_ema.modelblock0weight"] = torch.randn(2, 2, 3, 3)
    assert names(saved(state, tmp_path)) == ["model.block.0"]


def test_a_module_named_ema_is_a_layer(tmp_path):
    """Efficient multi-scale attention, as in variants of YOLO."""
    state = {f"{n}.ema.conv.weight": torch.randn(4, 4, 3, 3) for n in range(2)}
    assert names(saved(state, tmp_path)) == ["0.ema.conv", "1.ema.conv"]


def test_sections_with_layers_of_their_own_are_told_apart(tmp_path):
    state = nn.Conv2d(2, 2, 3).state_dict()
    other = nn.Conv2d(2, 4, 3).state_dict()
    network = saved({"generator": state, "discriminator": other}, tmp_path)
    assert names(network) == ["generator", "discriminator"]


def test_what_is_left_out_is_in_a_table_and_in_words(tmp_path):
    state = {
        "a.weight": torch.randn(2, 2, 3, 3),
        "b.weight": torch.randn(2, 2, 4, 4),
        "c.weight": torch.randn(2, 2, 1, 3, 3),
        "d.weight": torch.zeros(2, 2, 3, 3, dtype=torch.int8),
        "e.weight": torch.zeros(2, 2, 3, 3, device="meta"),
        "f.weight": torch.randn(2, 2, 1, 1),
        "g.weight": torch.randn(2, 2, 3, 3).to_sparse(),
    }
    network = saved(state, tmp_path)
    table = network.tables()["left_out"].set_index("name")
    assert table.loc["b", "reason"].startswith("kernels of 4x4")
    assert table.loc["c", "shape"] == "2x2x1x3x3"
    assert table.loc["d.weight", "reason"] == "whole or complex numbers"
    assert table.loc["e.weight", "reason"] == "a shape without numbers (device meta)"
    assert table.loc["g.weight", "reason"] == "stored as torch.sparse_coo"
    assert len(table) == 5
    assert "Left out: b: kernels of 4x4: looked at are those of 3x3, 5x5" in network.in_words()
    del state["a.weight"]
    with pytest.raises(UpwindError, match=r"no convolution of 3x3.*left out: d\.weight, whole or"):
        saved(state, tmp_path)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_quantised_tensors_are_the_numbers_they_stand_for(tmp_path):
    weights = torch.randn(2, 2, 3, 3)
    quantised = torch.quantize_per_channel(
        weights, torch.tensor([0.02, 0.04]), torch.tensor([0, 3]), 0, torch.qint8
    )
    network = saved({"a.weight": quantised}, tmp_path)
    np.testing.assert_array_equal(network.layers[0].weights, quantised.dequantize())
