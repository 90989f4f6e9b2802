"""Methods compared over patients: means with confidence intervals, and paired tests."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from upwind.common.frames import groups
from upwind.common.holm import holm
from upwind.common.intervals import Interval, Resampling, mean_interval
from upwind.scores.measures import DISTANCES, NSD
from upwind.tables.paired_test import paired_test

COLUMNS = (
    "subset", "measure", "method", "other", "patients", "empty", "mean", "low", "high", "over",
    "seeds", "seed_low", "seed_high", "test", "p", "holm_p", "note",
)  # fmt: skip
OR_DIAGONAL = "_or_diagonal"


def compare(scores: pd.DataFrame, resamples: int, confidence: float, seed: int) -> pd.DataFrame:
    """One row per subset, measure and method, and one per pair of methods, ``COLUMNS``.

    ``scores`` are rows of ``scores.csv``. A column ``seed`` may be there, for scores of several
    seeds; without it there is one. Where ``fold`` is empty, patients have no network in common.

    ``mean`` is that of the method, or of the paired differences method - ``other`` (empty for a
    single method), over ``patients``, each with the mean over seeds; ``low`` and ``high`` bound its
    interval (:func:`upwind.common.intervals.mean_interval`), and ``over`` says what that resampled.
    ``seed_low`` and ``seed_high`` are the least and the largest mean of a seed, of ``seeds``; empty
    for one. :func:`upwind.tables.paired_test.paired_test` tells of ``test``, ``p`` and ``note``;
    ``holm_p`` is ``p`` corrected over the pairs of its subset and measure.

    Undefined scores are left out, in pairs for a comparison. ``empty`` counts the patients of whom
    mask or label alone is empty, which leaves distances undefined; where there are any, a distance
    comes a second time as ``<measure>_or_diagonal``, the volume's diagonal standing for what is
    undefined: no distance in it is larger. A patient with scores in several folds (held-out slices)
    counts once, with their mean, in tests and in ``patients``.
    """
    settings = Resampling(resamples, confidence, seed)
    rows = [
        {"subset": subset, "measure": measure} | row
        for subset, part in groups(_with_keys(scores), "subset", sort=False)
        for measure, values in _measures(part)
        for row in _rows(values, settings, math.inf if measure.startswith(DISTANCES) else 1.0)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@dataclass(frozen=True)
class _Values:
    """Scores of one measure: ``by_method`` has rows (fold, case) and columns (seed), and ``empty``
    the cases that an empty mask leaves undefined."""

    by_method: dict[str, pd.DataFrame]
    empty: dict[str, set[int]]


def over_patients(values: pd.DataFrame | pd.Series, settings: Resampling) -> Interval:
    """The mean of values with rows (fold, case) and, maybe, columns (seed), and its interval."""
    folds = values.index.get_level_values("fold")
    return mean_interval(values.to_numpy(float), settings, folds.to_numpy())


def measures_of(scores: pd.DataFrame) -> list[str]:
    """The measures that a table of scores has, in its order: DSC, distances, NSD."""
    names = map(str, scores.columns)
    return [m for m in names if m in ("dsc", *DISTANCES) or m.startswith(NSD)]


def or_diagonal(scores: pd.DataFrame, measure: str) -> pd.Series:
    """A distance of each row; the volume's diagonal where one mask alone is empty."""
    return scores[measure].where(~one_empty(scores), scores["diagonal_mm"])


def one_empty(scores: pd.DataFrame) -> pd.Series:
    """Whether the mask or the label of a row is empty, and the other is not; of a table without
    counts of voxels, that none is."""
    if "mask_voxels" not in scores:
        return pd.Series(False, scores.index)
    return (scores["mask_voxels"] == 0) != (scores["label_voxels"] == 0)


def _with_keys(scores: pd.DataFrame) -> pd.DataFrame:
    """With a seed, and with a fold where all or none has one: NaN would fall out of tables."""
    return scores.assign(seed=scores.get("seed", 0)).fillna({"fold": 0, "seed": 0})


def _measures(part: pd.DataFrame) -> Iterator[tuple[str, _Values]]:
    empty = one_empty(part)
    for measure in measures_of(part):
        values = _values(part, measure, empty)
        yield measure, values
        if measure in DISTANCES and any(values.empty.values()) and values.by_method:
            filled = part.assign(**{measure: or_diagonal(part, measure)})
            yield measure + OR_DIAGONAL, _values(filled, measure, empty)


def _values(part: pd.DataFrame, measure: str, empty: pd.Series) -> _Values:
    by_method, missed = {}, {}
    for method, rows in groups(part, "method"):
        wide = rows.pivot_table(index=["fold", "case"], columns="seed", values=measure)
        if len(wide):
            by_method[method] = wide
            missed[method] = set(rows.loc[empty[rows.index], "case"])
    return _Values(by_method, missed)


def _rows(values: _Values, settings: Resampling, most: float) -> list[dict[str, Any]]:
    """``most`` is the largest value that the measure can have; the least is 0."""
    names = sorted(values.by_method)
    rows = [
        {"method": name, "other": "", "empty": len(values.empty[name])}
        | _within(_summary(values.by_method[name], settings), most)
        for name in names
    ]
    pairs: list[dict[str, Any]] = []
    for method, other in combinations(names, 2):
        differences = _differences(values.by_method[method], values.by_method[other])
        if differences.empty:
            continue
        empty = len(values.empty[method] | values.empty[other])
        row: dict[str, Any] = {"method": method, "other": other, "empty": empty}
        pairs.append(row | _summary(differences, settings) | paired_test(differences, settings))
    corrected = holm([pair["p"] for pair in pairs])
    return rows + [pair | {"holm_p": p} for pair, p in zip(pairs, corrected, strict=True)]


def _within(row: dict[str, Any], most: float) -> dict[str, Any]:
    """Student's interval knows of no limits; cut to what is possible, it covers as well."""
    return row | {"low": np.maximum(row["low"], 0.0), "high": np.minimum(row["high"], most)}


def _differences(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Seed by seed; a method with one seed stands against each of the other's."""
    if one.shape[1] == 1:
        difference = -other.sub(one.iloc[:, 0], axis=0)
    elif other.shape[1] == 1:
        difference = one.sub(other.iloc[:, 0], axis=0)
    else:
        difference = one - other
    return difference.dropna(how="all").dropna(axis=1, how="all")


def _summary(values: pd.DataFrame, settings: Resampling) -> dict[str, Any]:
    found = over_patients(values, settings)
    row = {
        "patients": values.index.get_level_values("case").nunique(),
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "over": found.over,
        "seeds": values.shape[1],
    }
    if values.shape[1] > 1:
        by_seed = values.mean()
        row |= {"seed_low": by_seed.min(), "seed_high": by_seed.max()}
    return row
