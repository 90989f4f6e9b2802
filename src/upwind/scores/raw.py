"""Where the raw volumes are that segmentations are held against."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RawCases:
    """Where each case's CT and label are."""

    images: Mapping[int, Path]
    labels: Mapping[int, Path]

    @classmethod
    def of(cls, cases: Iterable[int], images: Iterable[str], labels: Iterable[str]) -> "RawCases":
        """From lists in the same order."""
        cases = list(cases)
        return cls(
            images=dict(zip(cases, map(Path, images), strict=True)),
            labels=dict(zip(cases, map(Path, labels), strict=True)),
        )
