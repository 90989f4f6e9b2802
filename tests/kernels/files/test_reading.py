"""Weights files of every kind that is read, and of kinds that are refused."""

import json
import pickle

import h5py
import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from safetensors.torch import save_file
from torch import nn

from upwind.common.errors import UpwindError
from upwind.kernels.files import discovery
from upwind.kernels.files.reading import read_layers


class Small(nn.Module):
    """Plain, grouped, depthwise and 1x1 convolutions, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(1, 8, 3)] + [nn.Conv2d(8, 8, 1)] * 9)
        self.layers.append(nn.Conv2d(8, 4, 3, groups=2))
        self.depthwise = nn.Conv2d(4, 4, 3, groups=4)
        self.large = nn.Conv2d(4, 4, 5)
        self.head = nn.Linear(4, 2)


NAMES = ["layers.0", "layers.10", "depthwise", "large"]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Small()


@pytest.fixture(scope="module")
def expected(network):
    """Weights of the three 3x3 convolutions, and of the one of 5x5."""
    modules = (network.layers[0], network.layers[10], network.depthwise, network.large)
    return [module.weight.detach().numpy() for module in modules]


def assert_same(layers, expected, names=NAMES):
    assert [layer.name for layer in layers] == list(names)
    assert [layer.number for layer in layers] == list(range(1, len(layers) + 1))
    for layer, weights in zip(layers, expected, strict=True):
        np.testing.assert_array_equal(layer.weights, weights)


def refused(path, message):
    with pytest.raises(UpwindError, match=message) as caught:
        read_layers(path)
    assert path.name in str(caught.value)


def test_safetensors_in_the_order_of_their_numbers(network, expected, tmp_path):
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    layers = read_layers(tmp_path / "w.safetensors")
    # Sorted by name: depthwise, large, layers.0, layers.10.
    names = ["depthwise", "large", "layers.0", "layers.10"]
    assert_same(layers, [*expected[2:], *expected[:2]], names)


def test_safetensors_in_half_precision(network, expected, tmp_path):
    state = {n: t.clone().to(torch.bfloat16) for n, t in network.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    layers = read_layers(tmp_path / "w.safetensors")
    assert layers[0].weights.dtype == np.float32
    np.testing.assert_allclose(layers[2].weights, expected[0], rtol=0.01)


@pytest.mark.parametrize("old", [False, True])
def test_a_state_dict(network, expected, tmp_path, old):
    torch.save(network.state_dict(), tmp_path / "w.pt", _use_new_zipfile_serialization=not old)
    assert_same(read_layers(tmp_path / "w.pt"), expected)


def test_a_checkpoint_has_the_state_dict_in_it_and_the_optimisers_is_left_alone(
    network, expected, tmp_path
):
    optimiser = torch.optim.Adadelta(network.parameters())
    sum(p.sum() for p in network.parameters()).backward()
    optimiser.step()
    state = network.state_dict()
    parts = {"epoch": 3, "model_state_dict": state, "optimizer": optimiser.state_dict()}
    torch.save(parts, tmp_path / "w.ckpt")
    assert_same(read_layers(tmp_path / "w.ckpt"), expected)


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_code_in_a_pickle_is_not_run(tmp_path, how):
    path, trace = tmp_path / "w.pt", tmp_path / "was-here"
    if how == "torch":
        torch.save({"a": Evil(trace)}, path)
    else:
        path.write_bytes(pickle.dumps({"a": Evil(trace)}))
    refused(path, "no plain state dict")
    assert not trace.exists()


def test_a_whole_network_is_refused_with_a_way_out(network, tmp_path):
    torch.save(network, tmp_path / "w.pt")
    refused(tmp_path / "w.pt", r"torch\.save\(network\.state_dict\(\)")


def a_graph(nodes, initialisers):
    graph = helper.make_graph(nodes, "g", [], [], initialisers)
    return helper.make_model(graph)


@pytest.fixture
def model(expected):
    """An ONNX model; its last weights are a constant, passed on."""
    stored = [numpy_helper.from_array(expected[n], f"w{n}") for n in (1, 0)]
    constant = numpy_helper.from_array(expected[2], "c")
    big = numpy_helper.from_array(expected[3], "big")
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], name="first"),
        helper.make_node("Conv", ["a", "w1"], ["b"], name="second", group=2),
        helper.make_node("Conv", ["b", "w1"], ["b2"], name="again", group=2),
        helper.make_node("Conv", ["b2", "big"], ["b3"]),
        helper.make_node("Constant", [], ["c"], value=constant),
        helper.make_node("Identity", ["c"], ["d"]),
        helper.make_node("Conv", ["b3", "d"], ["y"], group=4),
    ]
    return a_graph(nodes, [*stored, big])


def test_onnx_in_the_order_of_the_graph_with_groups(model, expected, tmp_path):
    onnx.save(model, tmp_path / "w.onnx")
    layers = read_layers(tmp_path / "w.onnx")
    kernels = [*expected[:2], expected[3], expected[2]]
    assert_same(layers, kernels, ["first", "second", "big", "c"])
    assert [layer.groups for layer in layers] == [1, 2, 1, 4]


def test_onnx_with_its_weights_in_a_second_file(model, expected, tmp_path):
    onnx.save(model, tmp_path / "w.onnx", save_as_external_data=True, size_threshold=0)
    np.testing.assert_array_equal(read_layers(tmp_path / "w.onnx")[0].weights, expected[0])
    for path in tmp_path.iterdir():
        if path.name != "w.onnx":
            path.unlink()
    refused(tmp_path / "w.onnx", r"keeps its weights in .*\.data, which is not beside it")


def test_onnx_within_a_branch(model, expected, tmp_path):
    empty = helper.make_graph([], "else", [], [])
    branch = helper.make_node("If", ["x"], ["y"], then_branch=model.graph, else_branch=empty)
    onnx.save(a_graph([branch], []), tmp_path / "w.onnx")
    assert len(read_layers(tmp_path / "w.onnx")) == 4


def keras_kernels(weights):
    """As Keras stores them: (rows, columns, in // groups, out)."""
    return weights.transpose(2, 3, 1, 0)


@pytest.fixture
def keras_file(expected, tmp_path):
    """A whole model as Keras 2 writes it: layers in an order that is not that of their names."""
    path = tmp_path / "w.h5"
    settings = [
        {"class_name": "Conv2D", "config": {"name": "z_first", "groups": 1}},
        {"class_name": "Conv2D", "config": {"name": "grouped", "groups": 2}},
        {"class_name": "DepthwiseConv2D", "config": {"name": "dw"}},
        {"class_name": "Conv2DTranspose", "config": {"name": "up"}},
    ]
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"config": {"layers": settings}})
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"z_first", b"grouped", b"dw", b"up"]
        group["z_first/z_first/kernel:0"] = keras_kernels(expected[0])
        group["grouped/grouped/kernel:0"] = keras_kernels(expected[1])
        group["dw/dw/depthwise_kernel:0"] = expected[2].transpose(2, 3, 0, 1)
        group["up/up/kernel:0"] = np.zeros((3, 3, 4, 4), np.float32)
        file["optimizer_weights/moment/kernel:0"] = np.zeros((3, 3, 4, 4), np.float32)
    return path


def test_keras_in_the_order_of_its_layers_with_groups(keras_file, expected):
    layers = read_layers(keras_file)
    names = [layer.name.split("/")[1] for layer in layers]
    assert names == ["z_first", "grouped", "dw"]
    assert [layer.groups for layer in layers] == [1, 2, 4]
    for layer, weights in zip(layers, expected[:3], strict=True):
        np.testing.assert_array_equal(layer.weights, weights)


def test_weights_alone_as_keras_3_writes_them(expected, tmp_path):
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/conv2d_10/vars/0"] = keras_kernels(expected[1])
        file["layers/conv2d_2/vars/0"] = keras_kernels(expected[0])
        file["layers/depthwise_conv2d/vars/0"] = expected[2].transpose(2, 3, 0, 1)
        file["optimizer/vars/1"] = np.zeros((3, 3, 4, 4), np.float32)
    layers = read_layers(path)
    assert [x.weights.shape for x in layers] == [x.shape for x in expected[:3]]
    np.testing.assert_array_equal(layers[0].weights, expected[0])


def test_hdf5_that_points_to_another_file_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(4 * 9 * 4))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset(
            "kernel", (3, 3, 2, 2), "f4", external=[(str(tmp_path / "secret"), 0, 144)]
        )
    refused(tmp_path / "w.h5", "another file, which is not read")


def write(kind, network, model, keras_file, path):
    """A weights file of a kind."""
    if kind == "safetensors":
        save_file({n: t.clone() for n, t in network.state_dict().items()}, path)
    elif kind in ("pt", "old"):
        new = kind == "pt"
        torch.save(network.state_dict(), path, _use_new_zipfile_serialization=new)
    elif kind == "onnx":
        onnx.save(model, path)
    else:
        path.write_bytes(keras_file.read_bytes())


@pytest.mark.parametrize("kind", ["safetensors", "pt", "old", "onnx", "h5"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_file_cut_short_is_refused(kind, share, network, model, keras_file, tmp_path):
    path = tmp_path / f"cut.{kind}"
    write(kind, network, model, keras_file, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(path, "cut short or damaged|no plain state dict")


def test_an_old_file_may_be_cut_anywhere(network, tmp_path):
    """Which error its pickle then ends with depends on the byte."""
    path = tmp_path / "cut.pt"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    for length in range(1, min(len(content), 1500)):
        path.write_bytes(content[:length])
        refused(path, "cut short or damaged|no plain state dict")


@pytest.mark.parametrize("suffix", ["safetensors", "pt", "onnx", "h5", "txt"])
def test_what_is_no_weights_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"w.{suffix}"
    path.write_text("once upon a time there was no network at all")
    refused(path, "not weights of a known kind|cut short or damaged")
    path.write_bytes(b"")
    refused(path, "not weights of a known kind|cut short or damaged|no convolution of 3x3")


def test_a_file_without_a_3x3_convolution(tmp_path):
    torch.save(nn.Conv2d(2, 2, 4).state_dict(), tmp_path / "w.pt")
    refused(tmp_path / "w.pt", "no convolution of 3x3")
    torch.save([1, 2], tmp_path / "w.pt")
    refused(tmp_path / "w.pt", "no convolution of 3x3")
    refused(tmp_path / "nowhere.pt", "not there")


def test_weights_that_are_not_finite_are_named(network, tmp_path):
    state = network.state_dict() | {"depthwise.weight": torch.full((4, 1, 3, 3), torch.nan)}
    torch.save(state, tmp_path / "w.pt")
    refused(tmp_path / "w.pt", r"layer 3 \(depthwise\): weights hold NaN")


def test_a_file_too_large_for_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    # A thousand million kernels in a file of a few bytes: one number, seen that often.
    huge = torch.zeros(1).expand(1_000_000, 1000, 3, 3)
    torch.save({"conv.weight": huge}, tmp_path / "w.pt")
    monkeypatch.setattr(discovery, "_free_bytes", lambda: 16e9)
    refused(tmp_path / "w.pt", "too large for this machine's memory: its 1,000,000,000 kernels")


def test_free_memory_is_known_or_not_looked_at(monkeypatch, tmp_path):
    assert discovery._free_bytes() is None or discovery._free_bytes() > 1e6
    monkeypatch.setattr(discovery, "Path", lambda _: tmp_path / "nothing")
    assert discovery._free_bytes() is None
