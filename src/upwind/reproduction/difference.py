"""What a comparison of two files comes to."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass


class Outcome(enum.StrEnum):
    """Of a file in two runs. The values are part of the JSON schema."""

    same = "same"
    apart = "set apart"  # it differs only in what is expected to differ
    differs = "differs"
    only_first = "only in the first"
    only_second = "only in the second"


@dataclass(frozen=True)
class Part:
    """A part of a file that is not the same: a cell of a table, a tensor, a setting.

    ``first`` and ``second`` are its values as the files have them, None where one has no such part;
    ``size`` is the distance of two numbers, or the largest one of two tensors, where there is one.
    """

    name: str
    first: str | None
    second: str | None
    size: float | None = None


@dataclass(frozen=True)
class Difference:
    """How two files of one kind differ: ``parts`` of ``total``, in words (``summary``), and the
    names of what differs and was expected to (``apart``)."""

    summary: str
    parts: Sequence[Part] = ()
    total: int = 0
    apart: Sequence[str] = ()

    @property
    def expected(self) -> bool:
        """Do the files differ in nothing but what is expected to?"""
        return not self.parts and bool(self.apart)


@dataclass(frozen=True)
class FileComparison:
    """A file of the results, by its path below them, in two runs."""

    path: str
    outcome: Outcome
    difference: Difference | None = None


def largest(parts: Sequence[Part]) -> Part | None:
    """The part whose values are farthest apart; None where none has a size."""
    sized = [part for part in parts if part.size is not None]
    return max(sized, key=lambda part: part.size or 0.0, default=None)


def counted(
    parts: Sequence[Part], total: int, noun: str, of_one_kind: Sequence[Part] | None = None
) -> str:
    """``3 of 120 cells, the largest difference 0.012 (dsc of unet, 0)``: the largest of all, or of
    those ``of_one_kind``, where others are in other units."""
    far = largest(parts if of_one_kind is None else of_one_kind)
    most = "" if far is None else f", the largest difference {far.size:.3g} ({far.name})"
    return f"{len(parts):,} of {total:,} {noun} differ{most}"
