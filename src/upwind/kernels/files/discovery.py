"""Convolutions as they are found in a file: named and sized, and read only if they fit."""

import hashlib
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd

from upwind.common.errors import UpwindError
from upwind.common.wording import count_of, first_few
from upwind.kernels.layers import WHOLE, Layer, by_size, check_weights
from upwind.kernels.sizes import SIZES, in_words, known_sizes

# Memory that a kernel takes while all tables are made: 2,100 bytes with 300,000 kernels, and room.
BYTES_PER_KERNEL = 3000


@dataclass(frozen=True)
class Found:
    """A convolution of a file, and ``read``, which gives its weights of this ``shape``, say
    (out, in // groups, 3, 3). ``parameter`` is the same for names that stand for one parameter;
    None where the file does not tell."""

    name: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    groups: int = 1
    parameter: Hashable | None = None
    part: str = WHOLE


@dataclass(frozen=True)
class LeftOut:
    """What looks like weights of a convolution and is not looked at, and why."""

    name: str
    shape: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class Contents:
    """What a file holds: convolutions, what is left out, and which ``order`` both are in."""

    order: str
    found: list[Found] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def add(self, one: Found | LeftOut) -> None:
        """Put what a reader has come to where it belongs."""
        if isinstance(one, Found):
            self.found.append(one)
        else:
            self.left_out.append(one)


@dataclass(frozen=True, eq=False)
class Network:
    """The convolutions of a file.

    Attributes:
        layers: one for each parameter.
        aliases: further names of a layer's parameter, by its number.
        left_out: what is no layer, or cannot be read, with the reason.
        order: in words, which order the layers come in.
    """

    layers: list[Layer]
    aliases: dict[int, list[str]]
    left_out: list[LeftOut]
    order: str

    def in_words(self) -> str:
        """How much there is, in which order, and what is left out and why, a line each."""
        lines = [f"{count_of(len(self.layers), 'layer')}, {kernels_in_words(self.layers)}"]
        lines.append(f"Order: {self.order}")
        joined = sum(map(len, self.aliases.values()))
        if joined:
            lines.append(f"Counted once: {count_of(joined, 'further name')} of the same parameters")
        lines += [
            f"Left out: {first_few(names, 2)}: {reason}"
            for reason, names in by_reason(self.left_out).items()
        ]
        return "\n".join(lines)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables network (one row per layer: ``layer``, ``name``, ``other_names`` joined by
        spaces, ``part``, ``shape``, ``size`` of a kernel, ``groups``, ``kernels``) and left_out
        (``name``, ``shape``, ``reason``)."""
        layers = [
            {
                "layer": layer.number,
                "name": layer.name,
                "other_names": " ".join(self.aliases.get(layer.number, [])),
                "part": layer.part,
                "shape": in_words(layer.weights.shape),
                "size": in_words(layer.size),
                "groups": layer.groups,
                "kernels": len(layer.kernels),
            }
            for layer in self.layers
        ]
        left_out = [(one.name, in_words(one.shape), one.reason) for one in self.left_out]
        return {
            "network": pd.DataFrame(layers),
            "left_out": pd.DataFrame(left_out, columns=["name", "shape", "reason"]),
        }


def network_of(path: Path, contents: Contents) -> Network:
    """The network that the file ``path`` holds, its layers numbered in the file's order. Names of
    one parameter are one layer: those that the file says are one, and those whose weights are equal
    to the last bit, unless all are the same number, as before training. Raises UpwindError for no
    convolution, for groups that cannot be, for more than memory can take, and for weights that are
    not finite."""
    if not contents.found:
        raise UpwindError(
            f"{path} has no convolution of {known_sizes()}: there is nothing to look at"
            f"{_why(contents.left_out)}"
        )
    found = contents.found
    _check_groups(path, found)
    known = _alike([one.parameter for one in found])
    _check_memory(path, sum(prod(found[first].shape[:2]) for first, *_ in known))
    weights = [found[first].read() for first, *_ in known]
    layers, aliases = [], {}
    for number, members in enumerate(_alike([_digest(array) for array in weights]), 1):
        names = [found[place].name for member in members for place in known[member]]
        one = found[known[members[0]][0]]
        layers.append(Layer(number, one.name, weights[members[0]], one.groups, one.part))
        aliases[number] = names[1:]
    try:
        for layer in layers:
            check_weights(layer)
        return Network(layers, aliases, contents.left_out, contents.order)
    except UpwindError as error:
        raise UpwindError(f"{path}: {error}") from error


def is_looked_at(shape: Sequence[int]) -> bool:
    """Whether weights of this shape (out, in // groups, rows, columns) are kernels of a size that
    is looked at."""
    return tuple(shape[2:]) in SIZES and min(shape) > 0


def is_other_size(shape: Sequence[int]) -> bool:
    """Whether weights (out, in // groups, ...) are those of a convolution in two or three
    dimensions whose size is not looked at, and no single points."""
    plausible = len(shape) in (4, 5) and min(shape) > 0 and max(shape[2:]) > 1
    return plausible and not is_looked_at(shape)


def other_size(name: str, shape: Sequence[int]) -> LeftOut:
    """What to say of such weights."""
    size = in_words(shape[2:])
    return LeftOut(name, tuple(shape), f"kernels of {size}: looked at are those of {known_sizes()}")


def by_reason(left_out: Sequence[LeftOut]) -> dict[str, list[str]]:
    """Names of what is left out, by the reason; averaged copies together."""
    found: dict[str, list[str]] = {}
    for one in left_out:
        found.setdefault(one.reason, []).append(one.name)
    return found


def kernels_in_words(layers: Sequence[Layer]) -> str:
    """How many kernels there are of each size: 264 kernels of 3x3, 8 of 5x5."""
    counts = [
        (sum(len(layer.kernels) for layer in found), in_words(size))
        for size, found in by_size(layers).items()
    ]
    (first, size), *others = counts
    told = [f"{first:,} kernels of {size}", *(f"{count:,} of {size}" for count, size in others)]
    return ", ".join(told)


def single(array: np.ndarray) -> np.ndarray:
    """Weights in the single precision that all kernels are kept in."""
    return np.ascontiguousarray(array, dtype=np.float32)


def unreadable(path: Path, kind: str, error: Exception) -> UpwindError:
    """What to say of a file that its format's own library cannot read."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return UpwindError(f"{path} cannot be read as {kind}; it is cut short or damaged ({said})")


def needs(library: str, path: Path) -> UpwindError:
    """What to say where the ``library`` that reads ``path`` is not installed."""
    return UpwindError(f"reading {path} needs {library}: `pip install {library}`")


def check_fits(path: Path, size: int, what: str) -> None:
    """Raises UpwindError where ``what`` takes more bytes than the memory that is free."""
    free = _free_bytes()
    if free is not None and size > free:
        raise UpwindError(
            f"{path} is too large for this machine's memory: {what} need about "
            f"{size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free; take a larger machine"
        )


def _check_groups(path: Path, found: Sequence[Found]) -> None:
    for one in found:
        outputs = one.shape[0]
        if one.groups < 1 or outputs % one.groups:
            raise UpwindError(
                f"{path}: {one.name} has {count_of(outputs, 'output channel')}, which cannot be in "
                f"{count_of(one.groups, 'group')}: the file is damaged; get it again"
            )


def _check_memory(path: Path, kernels: int) -> None:
    check_fits(path, kernels * BYTES_PER_KERNEL, f"its {kernels:,} kernels")


def _free_bytes() -> int | None:
    """Memory that is free, on Linux; None where that is not known."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _alike(keys: Sequence[Hashable | None]) -> list[list[int]]:
    """Places of equal keys together, in the order of their first; one without a key is alone."""
    together: dict[Hashable, list[int]] = {}
    for place, key in enumerate(keys):
        together.setdefault((None, place) if key is None else (key,), []).append(place)
    return list(together.values())


def _digest(weights: np.ndarray) -> Hashable | None:
    """The same for equal weights; None for those of one number, which many layers start with."""
    if weights.min() == weights.max():
        return None
    return weights.shape, hashlib.sha256(weights.tobytes()).digest()


def _why(left_out: Sequence[LeftOut]) -> str:
    """What was there instead, reason by reason."""
    named = [f"{names[0]}, {reason}" for reason, names in by_reason(left_out).items()]
    return f"; left out: {first_few(named, 3)}" if named else ""
