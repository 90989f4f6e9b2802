"""Masks against labels, from files to tables: what ``upwind score`` and ``upwind.score`` share."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from upwind.common.intervals import Resampling
from upwind.scores.outside import How, score_outside
from upwind.scores.pairing import Problem, find_pairs
from upwind.settings.kernels import ComparisonSettings
from upwind.settings.scores import Missing, ScoreSettings
from upwind.tables.summary import Tables, tables_of

PathLike = str | os.PathLike[str]
_EFFORT = ComparisonSettings()
_TOLERANCES = ScoreSettings().nsd_tolerances_mm


@dataclass(frozen=True)
class ScoreTables:
    """What came of masks against labels. docs/scores.md has every table and column.

    Attributes:
        scores: a row per method and case.
        summary: mean scores of each method with their intervals, and its failures.
        comparison: paired differences of methods with intervals and tests.
        ranks: of each method, and how often they come again; empty for one method.
        problems: what could not be scored, a sentence each.
        notes: labels whose header states no size of a voxel, or two: their mm may be wrong.
    """

    scores: pd.DataFrame
    summary: pd.DataFrame
    comparison: pd.DataFrame
    ranks: pd.DataFrame
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def score_files(
    labels: str, masks: Sequence[str], how: How
) -> tuple[Tables, list[Problem], list[str]]:
    """Tables of all masks, what could not be scored, and notes on labels. Raises UpwindError as
    :func:`upwind.scores.pairing.find_pairs` and :func:`upwind.scores.outside.score_outside`."""
    pairs = find_pairs(labels, masks)
    scored = score_outside(pairs, how)
    effort = Resampling(_EFFORT.resamples, _EFFORT.confidence, seed=0)
    absent = {method: scored.missing(method) for method in pairs.masks}
    return tables_of(scored.table, absent, effort), scored.problems, scored.notes


def score(
    labels: PathLike,
    masks: PathLike | Mapping[str, PathLike],
    *,
    label: Sequence[int] | None = None,
    mask_label: Sequence[int] | None = None,
    tolerances: Sequence[float] = _TOLERANCES,
    resample: bool = False,
    missing: Missing = "refuse",
) -> ScoreTables:
    """Score anybody's masks against labels, and rank methods. Files are paired by the case number
    in their names, and a mask lies where its own header says. Progress is shown on stderr.

    Args:
        labels: a folder of NIfTI files, or a pattern such as ``labels/{case}.nii.gz``.
        masks: the same of one method, or of each method by its name.
        label: values that are meant in labels; by default all above 0.
        mask_label: values that are meant in masks; by default they hold 0 and 1 alone.
        tolerances: of NSD, in mm.
        resample: bring masks on other grids to the label's, by nearest neighbour.
        missing: a case without a usable mask: ``refuse``, ``skip``, or ``empty``, which takes it
            for one that found nothing.

    Raises:
        UpwindError: nothing can be scored, or, with ``refuse``, not everything: all problems.
    """
    if isinstance(masks, Mapping):
        named = [f"{name}={os.fspath(path)}" for name, path in masks.items()]
    else:
        named = [os.fspath(masks)]
    how = How(label, mask_label, resample, tuple(tolerances), missing)
    found, problems, notes = score_files(os.fspath(labels), named, how)
    told = tuple(map(str, problems))
    return ScoreTables(
        found.scores, found.summary, found.comparison, found.ranks, told, tuple(notes)
    )
