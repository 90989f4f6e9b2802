"""PyTorch files as others write them, packed again, and made to do harm."""

import argparse
import contextlib
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from upwind.common.errors import UpwindError
from upwind.kernels.files.reading import read_layers, read_network


@pytest.fixture
def state():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 3)).state_dict()


def refused(path, message):
    with pytest.raises(UpwindError, match=message) as caught:
        read_layers(path)
    assert path.name in str(caught.value)


def test_a_checkpoint_of_nnunets_layout(state, tmp_path):
    """NumPy's scalars in the log, as nnUNetTrainer.save_checkpoint writes them, and what timm keeps
    of its arguments."""
    log = {"mean_fg_dice": [np.float32(0.5)], "dice_per_class": [[np.float64(0.4)]]}
    checkpoint = {
        "network_weights": state,
        "optimizer_state": {},
        "grad_scaler_state": None,
        "logging": log,
        "_best_ema": np.float64(0.9),
        "current_epoch": 1000,
        "init_args": {"plans": {"a": 1}, "configuration": "2d", "fold": 0},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 1),
        "args": argparse.Namespace(lr=0.1),
    }
    torch.save(checkpoint, tmp_path / "checkpoint_final.pth")
    with pytest.raises(pickle.UnpicklingError):  # which is why names are let pass
        torch.load(tmp_path / "checkpoint_final.pth", weights_only=True)
    before = set(torch.serialization.get_safe_globals())
    layers = read_layers(tmp_path / "checkpoint_final.pth")
    np.testing.assert_array_equal(layers[0].weights, state["0.weight"])
    assert set(torch.serialization.get_safe_globals()) == before


def global_(module, name):
    return f"c{module}\n{name}\n".encode()


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def a_pickle(path, body):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", b"\x80\x02" + body + b".")
        archive.writestr("w/version", "3\n")


@pytest.mark.parametrize(
    "body",
    [
        global_("numpy", "load") + text("trace") + b"\x85R",
        global_("numpy.core.multiarray", "fromfile") + text("trace") + b"\x85R",
        global_("numpy.core.multiarray", "scalar.__globals__") + text("trace") + b"\x85R",
        global_("numpy.core.multiarray.scalar", "__class__") + text("trace") + b"\x85R",
        global_("numpy", "dtype.__subclasses__") + b")R",
        global_("argparse", "open") + text("trace") + text("w") + b"\x86R",
        global_("argparse", "_os.system") + text("touch trace") + b"\x85R",
        global_("numpy.f2py.crackfortran", "myeval") + text("open('trace', 'w')") + b"\x85R",
        global_("builtins", "getattr")
        + global_("numpy.core.multiarray", "scalar")
        + text("__globals__")
        + b"\x86R",
    ],
)
def test_what_looks_like_a_numpy_scalar_is_refused(body, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trace").touch()
    a_pickle(tmp_path / "w.pt", body)
    refused(tmp_path / "w.pt", "no plain state dict")
    assert (tmp_path / "trace").stat().st_size == 0


@pytest.mark.parametrize(
    "body",
    [
        # A scalar of dtype object would give back what it is given.
        global_("numpy.core.multiarray", "scalar")
        + global_("numpy", "dtype")
        + text("O8")
        + b"\x85R"
        + text("x")
        + b"\x86R",
        # A state that would set an attribute.
        global_("argparse", "Namespace") + b")\x81}" + text("__class__") + b"Nsb",
        global_("numpy", "dtype") + b")R}" + text("__setstate__") + b"Nsb",
    ],
)
def test_what_is_let_pass_is_never_made(body, tmp_path):
    a_pickle(tmp_path / "w.pt", body)
    refused(tmp_path / "w.pt", "no convolution of 3x3")


def test_a_few_bytes_make_no_large_ones(tmp_path):
    a_pickle(tmp_path / "w.pt", global_("builtins", "bytearray") + b"J\xff\xff\xff\x7f\x85R")
    refused(tmp_path / "w.pt", "no plain state dict")
    # Each round would double the bytes.
    doubled = global_("_codecs", "encode") + b"U\x04aaaa" + text("hex") + b"\x86R"
    a_pickle(tmp_path / "w.pt", doubled)
    refused(tmp_path / "w.pt", "no plain state dict")


@pytest.mark.parametrize("old", [False, True])
def test_bytes_that_python_2_could_read_are_let_pass(state, tmp_path, old):
    checkpoint = {"state_dict": state, "hash": b"\xff" * 20}
    torch.save(checkpoint, tmp_path / "w.pt", _use_new_zipfile_serialization=not old)
    assert len(read_layers(tmp_path / "w.pt")) == 1


def pack_again(path, packed):
    with (
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))


def test_a_file_that_a_zip_program_packed_again_is_read_right(state, tmp_path):
    torch.save(state, tmp_path / "w.pt")
    pack_again(tmp_path / "w.pt", tmp_path / "p.pt")
    np.testing.assert_array_equal(read_layers(tmp_path / "p.pt")[0].weights, state["0.weight"])


def test_a_zip_bomb_is_refused_by_its_sizes(tmp_path):
    torch.save({"a.weight": torch.zeros(1000, 1000, 3, 3)}, tmp_path / "w.pt")
    pack_again(tmp_path / "w.pt", tmp_path / "p.pt")
    refused(tmp_path / "p.pt", "packed more than 50 times as tightly")
    with zipfile.ZipFile(tmp_path / "s.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", bytes(65 * 2**20))
    refused(tmp_path / "s.pt", "its structure alone takes")


def test_dictionaries_may_be_deep_and_names_long(state, tmp_path):
    deep = {"a.weight": state["0.weight"]}
    for _ in range(300):
        deep = {"x": deep}
    torch.save(deep, tmp_path / "w.pt")
    assert [layer.name for layer in read_layers(tmp_path / "w.pt")] == ["a"]
    torch.save({"9" * 5000 + ".weight": state["0.weight"]}, tmp_path / "w.pt")
    assert len(read_layers(tmp_path / "w.pt")) == 1


def test_flipped_bits_are_one_message(state, tmp_path):
    path = tmp_path / "w.pt"
    torch.save(state, path)
    content = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(60):
        flipped = bytearray(content)
        flipped[random.integers(len(content))] ^= 1 << random.integers(8)
        path.write_bytes(bytes(flipped))
        with contextlib.suppress(UpwindError):
            assert len(read_network(path).layers) == 1
