"""3x3 convolutions of a Keras model or of its weights, in HDF5."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from upwind.common.errors import UpwindError
from upwind.common.wording import natural_order
from upwind.kernels.files.discovery import Found, needs, unreadable

KIND = "HDF5"


def find(path: Path) -> Iterator[Found]:
    """Its 3x3 convolutions, in the order of the layers where the file states it, else of their
    names. Keras stores kernels as (rows, columns, in // groups, out)."""
    try:
        import h5py
    except ImportError:
        raise needs("h5py", path) from None
    try:
        with h5py.File(path, "r") as file:
            described = _described(file)
            for name in _names(file):
                yield from _convolution(path, name, file[name], described)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise unreadable(path, KIND, error) from error


def _names(file: Any) -> list[str]:
    """Datasets that are four-dimensional kernels, layer by layer."""
    names: list[str] = []

    def look(name: str, item: Any) -> None:
        shape = getattr(item, "shape", None) or ()
        kernel = len(shape) == 4 and shape[:2] == (3, 3) and min(shape) > 0
        if kernel and item.dtype.kind == "f" and "optimizer" not in name:
            names.append(name)

    file.visititems(look)  # does not follow links out of the file
    layers = file.get("model_weights", file).attrs.get("layer_names", [])
    order = [name.decode() if isinstance(name, bytes) else str(name) for name in layers]
    return sorted(names, key=lambda name: (_place(name, order), natural_order(name)))


def _place(name: str, order: list[str]) -> int:
    parts = name.split("/")
    return next((order.index(part) for part in parts if part in order), len(order))


def _described(file: Any) -> dict[str, dict[str, Any]]:
    """Class and settings of layers by name, where the model is described beside its weights."""
    text = file.attrs.get("model_config")
    if text is None:
        return {}
    found: dict[str, dict[str, Any]] = {}
    waiting = [json.loads(text)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            settings = part.get("config")
            if isinstance(settings, dict) and "name" in settings and "class_name" in part:
                found[str(settings["name"])] = {**settings, "class_name": part["class_name"]}
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return found


def _convolution(
    path: Path, name: str, dataset: Any, described: dict[str, dict[str, Any]]
) -> Iterator[Found]:
    if dataset.external:
        raise UpwindError(f"{path}: {name} lies in another file, which is not read: give one file")
    *_, inputs, outputs = dataset.shape
    known = [described[part] for part in name.split("/") if part in described]
    kind = known[-1]["class_name"] if known else ""
    if "Transpose" in kind:
        return
    depthwise = "depthwise" in name.lower() or "Depthwise" in kind
    groups = inputs if depthwise else int(known[-1].get("groups", 1)) if known else 1
    yield Found(
        name.removesuffix(":0"),
        inputs * outputs,
        lambda: _read(path, name, depthwise),
        groups,
    )


def _read(path: Path, name: str, depthwise: bool) -> np.ndarray:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            kernels = np.asarray(file[name], dtype=np.float32)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise unreadable(path, KIND, error) from error
    if depthwise:  # (rows, columns, in, per input)
        return kernels.transpose(2, 3, 0, 1).reshape(-1, 1, 3, 3)
    return kernels.transpose(3, 2, 0, 1)
