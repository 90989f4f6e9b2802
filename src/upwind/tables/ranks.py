"""Methods in order, and how often that order comes again when other patients are drawn.

A rank by itself hides whether a method leads by far or by chance. How often each method has each
rank over bootstrap samples of the patients is what challengeR draws (Wiesenfarth et al. 2021,
doi:10.1038/s41598-021-82017-6).
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from upwind.common.frames import groups
from upwind.common.intervals import Resampling
from upwind.scores.measures import DISTANCES
from upwind.tables.comparison import measures_of, or_diagonal


def rank(scores: pd.DataFrame, settings: Resampling) -> pd.DataFrame:
    """One row per subset, measure and method, in the order of ranks.

    ``mean`` is that over the ``patients`` whom every method has a score of, each with the mean over
    folds and seeds; ``rank`` its place, 1 the best, the better one's for equal means. In a distance
    the volume's diagonal stands for an empty mask. ``low_rank`` and ``high_rank`` bound the rank
    with the ``confidence``, and ``rank_1`` to ``rank_k`` are the shares of bootstrap samples of the
    patients in which the method has that rank. Measures with one method alone are left out.
    """
    rows: list[dict[str, Any]] = []
    for subset, part in groups(scores, "subset", sort=False):
        for measure in measures_of(part):
            values = or_diagonal(part, measure) if measure in DISTANCES else part[measure]
            wide = part.assign(value=values).pivot_table("value", "case", "method").dropna()
            if wide.shape[1] > 1 and len(wide):
                key = {"subset": subset, "measure": measure}
                rows += [key | row for row in _ranked(wide, measure, settings)]
    methods = scores["method"].nunique()
    shares = [f"rank_{place}" for place in range(1, methods + 1)]
    columns = ["subset", "measure", "method", "patients", "mean", "rank", "low_rank", "high_rank"]
    return pd.DataFrame(rows, columns=[*columns, *shares])


def _ranked(wide: pd.DataFrame, measure: str, settings: Resampling) -> list[dict[str, Any]]:
    values = wide.to_numpy(float)
    sign = 1 if measure in DISTANCES else -1
    means = values.mean(axis=0)
    ranks = _places(sign * means)
    generator = np.random.default_rng(settings.seed)
    patients = len(values)
    drawn = generator.multinomial(patients, np.full(patients, 1 / patients), settings.resamples)
    resampled = _places(sign * (drawn @ values) / patients)
    bounds = np.quantile(
        resampled, [settings.tail, 1 - settings.tail], axis=0, method="inverted_cdf"
    )
    rows = []
    for column in np.argsort(ranks, kind="stable"):
        row = {"method": wide.columns[column], "patients": patients, "mean": means[column]}
        row |= {"rank": ranks[column], "low_rank": bounds[0, column]}
        row |= {"high_rank": bounds[1, column]}
        for place in range(1, len(means) + 1):
            row[f"rank_{place}"] = float(np.mean(resampled[:, column] == place))
        rows.append(row)
    return rows


def _places(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, the least first. Means that differ in their last bits alone are
    equal: sums of the same scores in another order are."""
    return stats.rankdata(np.round(values, 12), method="min", axis=-1).astype(int)
