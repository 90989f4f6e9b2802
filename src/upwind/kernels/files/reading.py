"""Which format a weights file has, told by its first bytes, and its convolutions."""

import importlib
import os
import zipfile
from pathlib import Path
from types import ModuleType

from upwind.common.errors import UpwindError
from upwind.kernels.files.discovery import Network, network_of
from upwind.kernels.files.keras import WEIGHTS
from upwind.kernels.files.own import network_named_in
from upwind.kernels.layers import Layer

KNOWN = (
    "a PyTorch state dict (.pt, .pth, .bin), safetensors, ONNX, or Keras (.keras, .h5, .weights.h5)"
)
_HDF5, _ZIP, _PICKLE, _ONNX = b"\x89HDF\r\n\x1a\n", b"PK", b"\x80", b"\x08"


def read_network(path: str | os.PathLike[str]) -> Network:
    """Every convolution of a weights file whose kernels are of 3x3, 5x5, 7x7 or 3x3x3, depthwise
    and grouped ones too, and what else there is that looks like one, with the reason why it is
    none. One parameter is one layer, under however many names it is kept.

    A PyTorch state dict and safetensors hold weights alone: layers come in the order of the file
    (safetensors: of their names, numbers counting as numbers), groups are not known, and a
    transposed convolution looks like any other. ONNX and Keras say what is a convolution.

    Raises:
        UpwindError: the file is not there, not weights of a known kind, cut short, holds no such
            convolution, or more of them than memory can take.
    """
    path = Path(path)
    if not path.is_file():
        raise UpwindError(f"{path} is not there, or is no file: give {KNOWN}")
    return network_of(path, _reader(path).find(path))


def read_layers(path: str | os.PathLike[str]) -> list[Layer]:
    """The layers of :func:`read_network`."""
    return read_network(path).layers


def _reader(path: Path) -> ModuleType:
    """The module that reads this file."""
    with path.open("rb") as file:
        start = file.read(16)
    name = _format(path, start)
    if name is None:
        raise UpwindError(f"{path} is not weights of a known kind: give {KNOWN}")
    return importlib.import_module(f"upwind.kernels.files.{name}")


def _format(path: Path, start: bytes) -> str | None:
    if start.startswith(_HDF5):
        return "keras"
    if start.startswith(_ZIP):
        return _zipped(path)
    if path.suffix.lower() == ".safetensors" or start[8:9] == b"{":
        return "own" if network_named_in(path) else "safetensors"
    if start.startswith(_PICKLE):
        return "pytorch"
    if path.suffix.lower() == ".onnx" or start.startswith(_ONNX):
        return "onnx"
    return None


def _zipped(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception as error:  # a damaged directory ends in many of them
        raise UpwindError(f"{path} is cut short or damaged: {error}; get it again") from error
    if any(name.endswith("data.pkl") for name in names):
        return "pytorch"
    return "keras" if WEIGHTS in names else None
