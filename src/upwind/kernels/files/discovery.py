"""Convolutions as they are found in a file: named and sized, and read only if they fit."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from upwind.common.errors import UpwindError
from upwind.kernels.layers import Layer, check_layers

# Memory that a kernel takes while all tables are made: 2,100 bytes with 300,000 kernels, and room.
BYTES_PER_KERNEL = 3000


@dataclass(frozen=True)
class Found:
    """A 3x3 convolution of a file: ``kernels`` of them, and ``read``, which gives its weights (out,
    in // groups, 3, 3)."""

    name: str
    kernels: int
    read: Callable[[], np.ndarray]
    groups: int = 1


def layers_of(path: Path, found: Iterable[Found]) -> list[Layer]:
    """The layers of what was ``found`` in the file ``path``, numbered in that order. Raises
    UpwindError for none, for more than memory can take, and for weights that are not finite."""
    found = list(found)
    if not found:
        raise UpwindError(f"{path} has no 3x3 convolution: there is nothing to look at")
    _check_memory(path, sum(one.kernels for one in found))
    layers = [
        Layer(number, one.name, one.read(), one.groups) for number, one in enumerate(found, 1)
    ]
    try:
        return check_layers(layers)
    except UpwindError as error:
        raise UpwindError(f"{path}: {error}") from error


def is_3x3(shape: Sequence[int]) -> bool:
    """Whether weights of this shape (out, in // groups, rows, columns) are 3x3 kernels."""
    return len(shape) == 4 and tuple(shape[2:]) == (3, 3) and min(shape) > 0


def unreadable(path: Path, kind: str, error: Exception) -> UpwindError:
    """What to say of a file that its format's own library cannot read."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return UpwindError(f"{path} cannot be read as {kind}; it is cut short or damaged ({said})")


def needs(library: str, path: Path) -> UpwindError:
    """What to say where the ``library`` that reads ``path`` is not installed."""
    return UpwindError(f"reading {path} needs {library}: `pip install {library}`")


def _check_memory(path: Path, kernels: int) -> None:
    free = _free_bytes()
    needed = kernels * BYTES_PER_KERNEL
    if free is not None and needed > free:
        raise UpwindError(
            f"{path} is too large for this machine's memory: its {kernels:,} kernels need about "
            f"{needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free; take a larger machine"
        )


def _free_bytes() -> int | None:
    """Memory that is free, on Linux; None where that is not known."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None
