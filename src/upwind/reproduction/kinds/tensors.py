"""Weights and slices (safetensors), tensor by tensor."""

import hashlib
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from upwind.reproduction.difference import Difference, Part, counted


def compare_tensors(first: Path, second: Path) -> Difference:
    """Tensors that differ, with the largest difference of their numbers. Raises ValueError or
    OSError for a file that is none of them."""
    one, other = read_tensors(first), read_tensors(second)
    names = sorted(one.keys() | other.keys())
    parts = [part for name in names if (part := _compared(name, one.get(name), other.get(name)))]
    if not parts:
        parts = [Part("what the file says of itself beside its tensors", None, None)]
    return Difference(counted(parts, len(names), "tensors"), parts, len(names))


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
