"""Weights files of every kind with other bytes in them, or with any value in any place: layers of
finite kernels, or one message, in little memory and time."""

import contextlib
import io
import json
import math
import os
import pickle
import zipfile

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save

from fuzzing import tries
from upwind.common.errors import UpwindError
from upwind.kernels.files.reading import read_network

WEIGHTS = np.random.default_rng(0).normal(size=(4, 2, 3, 3)).astype(np.float32)
STATE = {"first.weight": torch.from_numpy(WEIGHTS), "first.bias": torch.zeros(4)}
CONFIGURATION = {
    "class_name": "Functional",
    "config": {
        "name": "net",
        "layers": [{"class_name": "Conv2D", "config": {"name": "conv2d", "groups": 1}}],
    },
}


def torch_file(state, old=False):
    file = io.BytesIO()
    torch.save(state, file, _use_new_zipfile_serialization=not old)
    return file.getvalue()


def packed(content):
    """A zip file's entries, deflated."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            after.writestr(name, before.read(name))
    return file.getvalue()


def hdf5(configuration=None, **attributes):
    """Weights as Keras 3 writes them; ``attributes`` are those of the layer's group."""
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        made["layers/conv2d/vars/0"] = WEIGHTS.transpose(2, 3, 1, 0)
        if configuration is not None:
            made.attrs["model_config"] = configuration
        for name, value in attributes.items():
            made["layers/conv2d/vars"].attrs[name] = value
    return file.getvalue()


def keras_archive(configuration):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model.weights.h5", hdf5())
        archive.writestr("config.json", configuration)
    return file.getvalue()


def onnx_model():
    """Weights stored plainly, and quantised ones."""
    eighth = numpy_helper.from_array(np.rint(10 * WEIGHTS).astype(np.int8), "q")
    scales = numpy_helper.from_array(np.ones(4, np.float32), "s")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"], name="plain", group=1),
        helper.make_node("DequantizeLinear", ["q", "s"], ["d"], axis=0),
        helper.make_node("Conv", ["y", "d"], ["z"], name="quantised", kernel_shape=[3, 3]),
    ]
    stored = [numpy_helper.from_array(WEIGHTS, "w"), eighth, scales]
    return helper.make_model(helper.make_graph(nodes, "g", [], [], stored))


FILES = {
    "w.safetensors": save(STATE),
    "w.pt": torch_file(STATE),
    "old.pt": torch_file(STATE, old=True),
    "packed.pt": packed(torch_file(STATE)),
    "w.onnx": onnx_model().SerializeToString(),
    "w.h5": hdf5(json.dumps(CONFIGURATION), name="conv2d"),
    "w.keras": keras_archive(json.dumps(CONFIGURATION)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Beside the files, what a file could lead to: a secret, a link to it, and a pipe."""
    outside = tmp_path_factory.mktemp("weights")
    (outside / "secret").write_bytes(WEIGHTS.tobytes())
    inside = outside / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(outside / "secret")
    os.mkfifo(inside / "pipe")
    return inside


def sound(folder, name, content):
    """Read a file: every layer is of finite kernels, or there is one message."""
    path, network = folder / name, None
    path.write_bytes(content)
    with contextlib.suppress(UpwindError):
        network = read_network(path)
    if network is None:
        return None
    for layer in network.layers:
        assert layer.weights.dtype == np.float32
        assert np.isfinite(layer.weights).all()
        assert layer.groups >= 1
        assert len(layer.weights) % layer.groups == 0
    assert len(network.in_words().splitlines()) < 20
    return network


@pytest.mark.parametrize("name", FILES)
def test_each_is_read_as_it_is(folder, name):
    network = sound(folder, name, FILES[name])
    assert any(np.array_equal(layer.weights, WEIGHTS) for layer in network.layers)


@tries(200)
@given(name=st.sampled_from(list(FILES)), data=st.data())
def test_any_bytes_in_any_place(folder, name, data):
    content = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        # What a format says of itself stands at the beginning or the end.
        near = st.integers(0, min(600, len(content) - 1))
        place = data.draw(near | near.map(lambda way: -1 - way) | st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255) | st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
    kept = data.draw(st.none() | st.integers(0, len(content)))
    sound(folder, name, bytes(content[:kept]))


NUMBERS = [math.nan, math.inf, -1, 0, 2**31, 2**63 - 1, 10**400, 1e308, True, None]
TEXTS = ["", "x" * 70_000, "1" * 5000, "\x00", "\x1b[2J", "../../w", "/dev/zero", "\ud800"]
TENSORS = [
    torch.zeros(2, 2, 3, 3, dtype=torch.int8),
    torch.zeros(2, 2, 3, 3, dtype=torch.complex64),
    torch.full((2, 2, 3, 3), torch.nan),
    torch.zeros(2, 2, 3, 3, device="meta"),
    torch.zeros(2, 2, 3, 3).to_sparse(),
    torch.zeros(1).expand(10**6, 10**6, 3, 3),
    torch.zeros(0, 2, 3, 3),
    torch.zeros(2, 2, 3, 3, dtype=torch.float8_e4m3fn),
]


def deep(levels=2000):
    """Dictionaries in each other, deeper than Python calls itself."""
    inside = {}
    for _ in range(levels):
        inside = {"a": inside}
    return inside


NAMES = st.sampled_from([*TEXTS[:-1], "w.weight", "first.weight_orig", "first.weight_g", 7, 2.5])
VALUES = st.sampled_from([*NUMBERS, *TEXTS[:-1], *TENSORS, [], {}, (1, 2), b"\xff" * 99])


@tries(60)
@given(more=st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=2), max_size=4))
def test_anything_in_a_state_dict(folder, more):
    sound(folder, "w.pt", torch_file(STATE | more))
    sound(folder, "w.pt", torch_file({"state_dict": more, "optimizer": {"state": {0: more}}}))


def test_a_state_dict_that_is_deep(folder):
    file = io.BytesIO()
    # As many opened dictionaries as Python's own writer would not write.
    file.write(b"\x80\x02" + b"}X\x01\x00\x00\x00a" * 20_000 + b"N" + b"s" * 20_000 + b".")
    sound(folder, "deep.pt", file.getvalue())
    sound(folder, "deep.pt", torch_file(STATE | {"more": deep(200)}))


def json_with(value):
    """The configuration with another value in a place, as JSON."""
    texts = [json.dumps(CONFIGURATION).replace(old, value) for old in ('"Conv2D"', '"conv2d"')]
    texts.append(json.dumps(CONFIGURATION).replace('"groups": 1', f'"groups": {value}'))
    texts.append(json.dumps(CONFIGURATION).replace('"layers": [', f'"layers": [{value}, '))
    return texts


JSON = ["NaN", "1e999", "-1", "0", "3", "1" * 5000, "null", "true", '""', "[]", "{}", '"\\ud800"']
JSON += ["[" * 60_000 + "]" * 60_000, '{"config": {"name": []}, "class_name": "X"}', "2147483648"]


@pytest.mark.parametrize("value", JSON, ids=lambda value: value[:12])
def test_anything_in_a_configuration_of_keras(folder, value):
    for text in json_with(value):
        sound(folder, "w.keras", keras_archive(text))
        if len(text) < 60_000:  # an attribute's most
            sound(folder, "w.h5", hdf5(text))


ATTRIBUTES = [1.5, np.nan, b"\xff", "{", [1], [b"a", b"b"], np.zeros((2, 2)), h5py.Empty("f4")]


@pytest.mark.parametrize("value", ATTRIBUTES, ids=str)
def test_anything_in_an_attribute_of_keras(folder, value):
    for name in ("name", "layer_names", "model_config"):
        sound(folder, "w.h5", hdf5(**{name: value}))
    sound(folder, "w.h5", hdf5(value))


def test_references_in_hdf5_lead_nowhere(folder):
    """To an object of the file, to a part of one, and to another file."""
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        made["layers/conv2d/vars/0"] = WEIGHTS.transpose(2, 3, 1, 0)
        for kind, reference in (
            (h5py.ref_dtype, made["layers"].ref),
            (h5py.regionref_dtype, made["layers/conv2d/vars/0"].regionref[:2]),
        ):
            names = np.full((3, 3, 1, 1), reference, dtype=kind)
            made.create_dataset(f"layers/{kind.metadata['ref'].__name__}/vars/0", data=names)
        made["layers/soft/vars/0"] = h5py.SoftLink("/layers/conv2d/vars/0")
        made["layers/out/vars/0"] = h5py.ExternalLink(str(folder.parent / "secret"), "/x")
    network = sound(folder, "w.h5", file.getvalue())
    assert [layer.name for layer in network.layers] == ["layers/conv2d/vars/0"]
    assert {one.reason for one in network.left_out} == {"numbers of type object"}


def other_numbers(model, number):
    """A number of a model in another place of it."""
    graph = model.graph
    yield lambda: graph.initializer[0].dims.append(number)
    yield lambda: graph.initializer[0].dims.__setitem__(0, number)
    yield lambda: graph.initializer[1].dims.__setitem__(1, number)
    for attribute in (graph.node[0].attribute[0], graph.node[1].attribute[0]):
        yield lambda attribute=attribute: setattr(attribute, "i", number)
    yield lambda: graph.node[2].attribute[0].ints.append(number)
    small = number % 2**31
    yield lambda: setattr(graph.initializer[0], "data_type", small)


WHOLE = [-(2**63), -5, -1, 0, 3, 7, 2**31, 2**62]


@pytest.mark.parametrize("number", WHOLE)
def test_any_number_in_an_onnx_model(folder, number):
    for place in range(len(list(other_numbers(onnx_model(), number)))):
        model = onnx_model()
        list(other_numbers(model, number))[place]()
        sound(folder, "w.onnx", model.SerializeToString())


@pytest.mark.parametrize("groups", [-1, 0, 3, 2**62])
def test_groups_that_cannot_be(folder, groups):
    """Neither the operator nor Keras' layer could have them."""
    model = onnx_model()
    model.graph.node[0].attribute[0].i = groups
    (folder / "w.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UpwindError, match=rf"plain has 4 output channels, .* in {groups:,} groups"):
        read_network(folder / "w.onnx")


@pytest.mark.parametrize(
    "place", ["../secret", "/dev/zero", "pipe", "link", "", ".", "gone", "a" * 5000]
)
def test_an_onnx_model_whose_weights_lie_elsewhere(folder, place):
    model = onnx_model()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)
    tensor.external_data.add(key="length", value=str(WEIGHTS.nbytes))
    assert sound(folder, "w.onnx", model.SerializeToString()) is None


def test_a_pickle_that_refers_to_itself(folder):
    knot = {}
    knot["again"] = knot
    knot["list"] = [knot, [knot]]
    knot |= STATE
    network = sound(folder, "w.pt", torch_file(knot))
    assert len(network.layers) == 1
    sound(folder, "w.pt", pickle.dumps(knot))
