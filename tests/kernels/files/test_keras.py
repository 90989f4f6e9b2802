"""Keras files by their class, order and source, and what may not be followed."""

import contextlib
import json
import zipfile

import h5py
import numpy as np
import pytest

from upwind.common.errors import UpwindError
from upwind.kernels.files import keras
from upwind.kernels.files.reading import read_network

RANDOM = np.random.default_rng(0)
# In the order of execution, which is not that of their names: class, group of Keras 3, name, shape.
LAYERS = (
    ("Conv2D", "conv2d", "zeta", (3, 3, 1, 8), 1),
    ("SeparableConv2D", "separable_conv2d", "sep", (3, 3, 8, 2), 1),
    ("DepthwiseConv2D", "depthwise_conv2d", "dw", (3, 3, 16, 1), 1),
    ("Conv2DTranspose", "conv2d_transpose", "up", (3, 3, 4, 16), 1),
    ("Conv2D", "conv2d_1", "alpha", (3, 3, 2, 6), 2),
)
KERNELS = {name: RANDOM.normal(size=shape).astype("f4") for _, _, name, shape, _ in LAYERS}
NAMES = [f"layers/{group}/vars/0" for _, group, *_ in LAYERS if "transpose" not in group]


def configuration():
    layers = [
        {"class_name": kind, "config": {"name": name, "groups": groups}}
        for kind, _, name, _, groups in LAYERS
    ]
    # The last of them in a model within the model.
    inner = {"class_name": "Functional", "config": {"name": "inner", "layers": layers[4:]}}
    return json.dumps({"class_name": "Functional", "config": {"layers": [*layers[:4], inner]}})


def write_weights(path, named=True):
    """As Keras 3.15 writes them: groups by class, the layer's name an attribute of its group."""
    with h5py.File(path, "w") as file:
        for _, group, name, *_ in LAYERS:
            file[f"layers/{group}/vars/0"] = KERNELS[name]
            if named:
                file[f"layers/{group}/vars"].attrs["name"] = name
        file["layers/separable_conv2d/vars/1"] = np.ones((1, 1, 16, 4))
        file["optimizer/vars/3"] = np.zeros((3, 3, 1, 8))


@pytest.fixture
def alone(tmp_path):
    write_weights(tmp_path / "m.weights.h5", named=False)
    return read_network(tmp_path / "m.weights.h5")


def assert_right(network, names):
    by_name = {layer.name: layer for layer in network.layers}
    assert list(by_name) == names
    assert [layer.groups for layer in by_name.values()][1:3] == [8, 16]
    separable = by_name["layers/separable_conv2d/vars/0"]
    # Two kernels for each of eight inputs: (rows, columns, in, per input).
    expected = KERNELS["sep"].transpose(2, 3, 0, 1).reshape(16, 1, 3, 3)
    np.testing.assert_array_equal(separable.weights, expected)
    np.testing.assert_array_equal(
        by_name["layers/conv2d/vars/0"].weights, KERNELS["zeta"].transpose(3, 2, 0, 1)
    )
    reasons = {one.name: one.reason for one in network.left_out}
    assert reasons["layers/conv2d_transpose/vars/0"].startswith("a transposed convolution")
    assert reasons["optimizer/vars/3"] == "state of an optimiser"


def test_classes_are_known_by_the_names_of_groups(alone):
    assert sorted(layer.name for layer in alone.layers) == sorted(NAMES)
    assert "of the names" in alone.order
    assert {layer.name: layer.groups for layer in alone.layers} == {
        "layers/conv2d/vars/0": 1,
        "layers/conv2d_1/vars/0": 1,  # not known without the configuration
        "layers/separable_conv2d/vars/0": 8,
        "layers/depthwise_conv2d/vars/0": 16,
    }


def test_an_archive_has_the_order_and_groups_of_its_configuration(tmp_path):
    write_weights(tmp_path / "model.weights.h5")
    for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "m.keras", "w", how) as archive:
            archive.write(tmp_path / "model.weights.h5", "model.weights.h5")
            archive.writestr("config.json", configuration())
        network = read_network(tmp_path / "m.keras")
        assert_right(network, NAMES)
        assert network.order == keras.CONFIGURED
        assert network.layers[3].groups == 2


def test_an_unzipped_archive_has_its_configuration_beside_it(tmp_path):
    write_weights(tmp_path / "model.weights.h5")
    (tmp_path / "config.json").write_text(configuration())
    assert_right(read_network(tmp_path / "model.weights.h5"), NAMES)


def test_a_bomb_in_an_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(2**24))
    with pytest.raises(UpwindError, match="packed more tightly"):
        read_network(tmp_path / "m.keras")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset(
            "kernel", (3, 3, 1, 1), "f4", maxshape=(None,) * 4, chunks=(3, 3, 999, 999),
            compression=9,
        )  # fmt: skip
    with pytest.raises(UpwindError, match="packed more tightly"):
        read_network(tmp_path / "m.h5")


def test_a_virtual_dataset_is_not_followed(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["kernel"] = np.ones((3, 3, 2, 2))
    layout = h5py.VirtualLayout((3, 3, 2, 2), "f8")
    layout[...] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "kernel", (3, 3, 2, 2))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_virtual_dataset("kernel", layout)
    with pytest.raises(UpwindError, match="another file, which is not read"):
        read_network(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["kernel"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "kernel")
    with pytest.raises(UpwindError, match="no convolution of 3x3"):
        read_network(tmp_path / "m.h5")


@pytest.mark.parametrize(
    "value", [1.5, b"\xff", "{", "[" * 100_000, '{"config": {"name": []}, "class_name": "X"}', [1]]
)
def test_attributes_of_any_type_are_one_message_or_none(value, tmp_path):
    path = tmp_path / "m.weights.h5"
    write_weights(path, named=False)
    for place in ("model_config", "layer_names", "name"):
        with h5py.File(path, "a") as file:
            where = file["layers/conv2d/vars"] if place == "name" else file
            try:
                where.attrs[place] = value
            except RuntimeError:  # HDF5 keeps no attribute of 64 kB
                continue
    with contextlib.suppress(UpwindError):
        assert len(read_network(path).layers) == 4


def test_other_numbers_and_sizes_say_so(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["a/kernel:0"] = np.ones((3, 3, 1, 2), np.int8)
        file["b/kernel:0"] = np.ones((4, 4, 1, 2))
        file["c/kernel:0"] = RANDOM.normal(size=(3, 3, 1, 2))
    network = read_network(tmp_path / "m.h5")
    assert {one.name: one.reason for one in network.left_out} == {
        "a/kernel": "numbers of type int8",
        "b/kernel": "kernels of 4x4: looked at are those of 3x3, 5x5, 7x7 or 3x3x3",
    }


def test_kernels_of_three_dimensions_have_their_channels_first(tmp_path):
    stored = RANDOM.normal(size=(3, 3, 3, 2, 4)).astype(np.float32)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["conv3d/kernel:0"] = stored
    (layer,) = read_network(tmp_path / "m.h5").layers
    assert layer.weights.shape == (4, 2, 3, 3, 3)
    np.testing.assert_array_equal(layer.weights[3, 1], stored[..., 1, 3])


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras', of its own tensors
def test_as_keras_itself_writes_them(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    theirs = pytest.importorskip("keras", reason="keras is not installed")
    layers = theirs.layers
    inputs = theirs.Input((12, 12, 1))
    x = layers.Conv2D(8, 3, name="zeta")(inputs)
    x = layers.SeparableConv2D(6, 3)(x)
    x = layers.Conv2DTranspose(4, 3)(x)
    x = theirs.Sequential([layers.Conv2D(5, 3)])(x)
    x = layers.Conv2D(3, 3, name="alpha")(x)
    model = theirs.Model(inputs, x)
    kernels = [
        model.layers[1].kernel,
        None,
        model.layers[4].layers[0].kernel,
        model.layers[5].kernel,
    ]
    for file in ("m.keras", "m.h5"):
        model.save(tmp_path / file)
        network = read_network(tmp_path / file)
        assert [layer.groups for layer in network.layers] == [1, 8, 1, 1]
        for layer, kernel in zip(network.layers, kernels, strict=True):
            if kernel is not None:
                kernel = theirs.ops.convert_to_numpy(kernel).transpose(3, 2, 0, 1)
                np.testing.assert_array_equal(layer.weights, kernel)
