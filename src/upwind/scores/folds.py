"""Scores of a folder of segmentations."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from upwind.scores.cases import Pair, read_pair, score_heldout, score_unseen
from upwind.scores.measures import TOLERANCES
from upwind.scores.raw import RawCases


def unseen_rows(
    folder: str | os.PathLike[str],
    cases: Iterable[int],
    raw: RawCases,
    tolerances: Sequence[float] = TOLERANCES,
) -> Iterator[dict[str, object]]:
    """Rows of whole volumes: ``folder`` holds ``segmentation-N.nii.gz`` for each case. NSD is
    taken at ``tolerances`` (mm)."""
    for case in cases:
        for row in score_unseen(*_pair(folder, case, raw), tolerances):
            yield {"case": case} | row


def heldout_rows(
    folder: str | os.PathLike[str], heldout: Mapping[int, np.ndarray], raw: RawCases
) -> Iterator[dict[str, object]]:
    """Rows of held-out slices (indices by case)."""
    for case, slices in heldout.items():
        mask, label, grid = _pair(folder, case, raw)
        yield {"case": case} | score_heldout(mask, label, grid, slices)


def _pair(folder: str | os.PathLike[str], case: int, raw: RawCases) -> Pair:
    mask = Path(folder) / f"segmentation-{case}.nii.gz"
    return read_pair(mask, raw.images[case], raw.labels[case])
