"""Convolutions of a Keras model or of its weights, in HDF5 or in a .keras archive."""

import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from upwind.common.errors import UpwindError
from upwind.common.wording import natural_order
from upwind.kernels.files.discovery import (
    Contents,
    Found,
    LeftOut,
    check_fits,
    is_looked_at,
    is_other_size,
    needs,
    other_size,
    single,
    unreadable,
)

KIND = "HDF5"
WEIGHTS, CONFIGURATION = "model.weights.h5", "config.json"  # of a .keras archive
CONFIGURED = "of the layers in the model's configuration"
LISTED = "of the layers as the file lists them"
NAMED = "of the names, which Keras makes of the layers' classes: the file keeps no other"
_LARGEST_CONFIGURATION = 64 * 2**20  # bytes
_TIGHTEST = 50  # times that an archive's weights, or a chunk of HDF5, may be larger than the file's


@dataclass(frozen=True)
class _Described:
    """A layer in the model's configuration: its place in it, class and groups."""

    place: int
    kind: str
    groups: int


def find(path: Path) -> Contents:
    """Its convolutions, in the order of the layers where the file states it, else of their
    names. A configuration is taken from the file, or lies beside the weights as in an unzipped
    .keras archive."""
    try:
        import h5py
    except ImportError:
        raise needs("h5py", path) from None
    try:
        source, configuration = _source(path)
        with h5py.File(source, "r") as file:
            described = _described(file.attrs.get("model_config", configuration))
            return _contents(path, source, file, described)
    except UpwindError:
        raise
    except Exception as error:  # whatever a damaged file leads its libraries to
        raise unreadable(path, KIND, error) from error


def _source(path: Path) -> tuple[Path | BytesIO, object]:
    """What h5py reads, and the configuration's text where there is one."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            weights, text = (_member(path, archive, name) for name in (WEIGHTS, CONFIGURATION))
        return BytesIO(weights), text
    beside = path.with_name(CONFIGURATION)
    known = path.name == WEIGHTS and beside.is_file()
    small = known and beside.stat().st_size <= _LARGEST_CONFIGURATION
    return path, beside.read_bytes() if small else None


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    entry = next((one for one in archive.infolist() if one.filename == name), None)
    if entry is None:
        return b""
    if entry.file_size > _TIGHTEST * path.stat().st_size:
        raise UpwindError(f"{path}: {name} is packed more tightly than weights can be")
    check_fits(path, entry.file_size, f"{name} of {entry.file_size:,} bytes would")
    return archive.read(entry)


def _described(text: object) -> dict[str, _Described]:
    """Layers by name where the model is described, in the order of its configuration, those of a
    model within it in its place."""
    found: dict[str, _Described] = {}
    waiting: list[object] = [json.loads(text)] if isinstance(text, (str, bytes)) and text else []
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            settings, kind = part.get("config"), part.get("class_name")
            if isinstance(settings, dict) and isinstance(kind, str):
                name, groups = settings.get("name"), settings.get("groups")
                count = groups if isinstance(groups, int) and groups > 0 else 1
                found.setdefault(str(name), _Described(len(found), kind, count))
            waiting += reversed(part.values())
        elif isinstance(part, list):
            waiting += reversed(part)
    return found


def _contents(
    path: Path, source: Path | BytesIO, file: Any, described: dict[str, _Described]
) -> Contents:
    listed = _texts(file.get("model_weights", file).attrs.get("layer_names", []))
    listed_at = {name: place for place, name in enumerate(listed)}
    places = {name: one.place for name, one in described.items()} or listed_at
    contents = Contents(CONFIGURED if described else LISTED if listed else NAMED)
    named = [(name, _layer_names(file, name)) for name in _kernels(file)]

    def order(item: tuple[str, list[str]]) -> tuple[int, list[tuple[int, int, str]]]:
        known = [places[part] for part in item[1] if part in places]
        return known[-1] if known else len(places), natural_order(item[0])

    for name, layer_names in sorted(named, key=order):
        known = [described[part] for part in layer_names if part in described]
        contents.add(_convolution(path, source, file[name], layer_names, known[-1:]))
    return contents


def _kernels(file: Any) -> list[str]:
    """Datasets that have the form of kernels of a convolution."""
    names: list[str] = []

    def look(name: str, item: Any) -> None:
        shape = getattr(item, "shape", None) or ()
        if is_looked_at(_torch_shape(shape)) or is_other_size(_torch_shape(shape)):
            names.append(name)

    file.visititems(look)  # does not follow links out of the file
    return names


def _torch_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(out, in // groups, rows, columns) of Keras' (rows, columns, in // groups, out)."""
    return (*shape[:-3:-1], *shape[:-2])


def _layer_names(file: Any, name: str) -> list[str]:
    """What a dataset's layer may be called, the likeliest last: parts of its own name and, with
    Keras 3, what its group says."""
    above, *_ = name.rpartition("/")
    said = file[above].attrs.get("name") if above else None
    return [*name.split("/"), *_texts([] if said is None else [said])]


def _texts(values: Any) -> list[str]:
    """Those of an attribute's values that are texts."""
    listed = np.ravel(np.asarray(values, dtype=object)).tolist()
    decoded = (one.decode(errors="replace") if isinstance(one, bytes) else one for one in listed)
    return [one for one in decoded if isinstance(one, str)]


def _convolution(
    path: Path,
    source: Path | BytesIO,
    dataset: Any,
    layer_names: Iterable[str],
    known: list[_Described],
) -> Found | LeftOut:
    name = str(dataset.name).strip("/")
    if dataset.external or dataset.is_virtual:
        raise UpwindError(f"{path}: {name} lies in another file, which is not read: give one file")
    if dataset.chunks and prod(dataset.chunks) > _TIGHTEST * dataset.size:
        raise UpwindError(f"{path}: {name} is packed more tightly than weights can be")
    kind = known[0].kind if known else ""
    # Classes as they are written in names: conv2d_transpose, SeparableConv2D.
    words = (kind or "".join(layer_names)).lower().replace("_", "")
    depthwise = "depthwise" in words or "separable" in words or "depthwise" in name
    *_, inputs, outputs = dataset.shape
    shape = (inputs * outputs, 1, *dataset.shape[:-2]) if depthwise else _torch_shape(dataset.shape)
    label = name.removesuffix(":0")
    if name.startswith("optimizer"):
        return LeftOut(label, shape, "state of an optimiser")
    if "transpose" in words:
        return LeftOut(label, shape, "a transposed convolution: its kernels act the other way")
    if dataset.dtype.kind != "f":
        return LeftOut(label, shape, f"numbers of type {dataset.dtype}")
    if not is_looked_at(shape):
        return other_size(label, shape)
    groups = inputs if depthwise else known[0].groups if known else 1
    return Found(label, shape, partial(_read, path, source, name, shape), groups)


def _read(path: Path, source: Path | BytesIO, name: str, shape: tuple[int, ...]) -> np.ndarray:
    import h5py

    try:
        with h5py.File(source, "r") as file:
            kernels = np.asarray(file[name], dtype=np.float32)
    except Exception as error:  # whatever a damaged file leads its library to
        raise unreadable(path, KIND, error) from error
    if shape[1] == 1 and kernels.shape[2] != 1:  # depthwise: (rows, columns, in, per input)
        return single(kernels.transpose(2, 3, 0, 1).reshape(shape))
    return single(np.moveaxis(kernels, (-1, -2), (0, 1)).reshape(shape))
