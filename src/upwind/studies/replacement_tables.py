"""The table of replaced kernels: each layer and replacement, over patients, folds and draws."""

import pandas as pd

from upwind.common.intervals import Resampling
from upwind.tables.comparison import over_patients

COLUMNS = (
    "layer", "replacement", "dsc", "change", "low", "high", "kernels", "relative_norm", "folds",
)  # fmt: skip


def summarise_replacements(
    rows: pd.DataFrame, resamples: int, confidence: float, seed: int
) -> pd.DataFrame:
    """One row per layer and replacement, ``COLUMNS``; ``rows`` are those of
    :func:`upwind.studies.replacements.replacement_scores` with their ``replacement`` and ``fold``.

    ``dsc`` and ``change`` are means over unseen patients, each with its mean over draws; ``low``
    and ``high`` the interval of ``change`` over folds and their patients, or, of one fold, over its
    patients, which is then of this one network (:func:`upwind.common.intervals.mean_interval`).
    ``kernels`` (rounded) and ``relative_norm`` are means over folds and draws, ``folds`` is the
    number of folds.
    """
    result, settings = [], Resampling(resamples, confidence, seed)
    for (replacement, layer), part in rows.groupby(["replacement", "layer"], sort=False):
        by_case = part.groupby(["fold", "case"])[["dsc", "change"]].mean().dropna()
        change = over_patients(by_case["change"], settings)
        moved = part.drop_duplicates(["fold", "draw"])
        result.append(
            {
                "layer": layer,
                "replacement": replacement,
                "dsc": by_case["dsc"].mean(),
                "change": change.mean,
                "low": change.low,
                "high": change.high,
                "kernels": round(moved["kernels"].mean()),
                "relative_norm": moved["relative_norm"].mean(),
                "folds": part["fold"].nunique(),
            }
        )
    return pd.DataFrame(result, columns=list(COLUMNS))
