"""Weights and slices (safetensors), tensor by tensor."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from upwind.reproduction.difference import Difference, Part, counted
from upwind.reproduction.kinds.documents import differing
from upwind.reproduction.set_apart import HEADER


def compare_tensors(first: Path, second: Path) -> Difference:
    """Tensors that differ, with the largest difference of their numbers; where none does, whether
    only the release differs that wrote the file. Raises ValueError or OSError for a file that is
    none of them."""
    one, other = read_tensors(first), read_tensors(second)
    names = sorted(one.keys() | other.keys())
    parts = [part for name in names if (part := _compared(name, one.get(name), other.get(name)))]
    apart: list[str] = []
    if not parts:
        stated = {part.name for part in differing(_header(first), _header(second))}
        apart = sorted(stated & HEADER)
        if stated - HEADER or not apart:
            parts = [Part("what the file says of itself beside its tensors", None, None)]
    return Difference(counted(parts, len(names), "tensors"), parts, len(names), apart)


def _header(path: Path) -> dict[str, Any]:
    """What the file says of itself; JSON in it is read."""
    with safe_open(path, "np") as file:
        return {name: _read(text) for name, text in (file.metadata() or {}).items()}


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name. Raises ValueError for a file that is damaged or has types that NumPy has
    not."""
    try:
        with safe_open(path, "np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error


def tensors_sha256(path: Path) -> str:
    """SHA-256 (hex) of names, types, shapes and numbers of all tensors, whatever else the file
    says. Raises as :func:`read_tensors`."""
    digest = hashlib.sha256()
    for name, array in sorted(read_tensors(path).items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _compared(name: str, one: np.ndarray | None, other: np.ndarray | None) -> Part | None:
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return Part(name, _described(one), _described(other))
    if one.tobytes() == other.tobytes():
        return None
    size = np.abs(one.astype(np.float64) - other.astype(np.float64)).max()
    return Part(name, None, None, float(size))


def _described(array: np.ndarray | None) -> str | None:
    return None if array is None else f"{array.dtype} {'×'.join(map(str, array.shape))}"
