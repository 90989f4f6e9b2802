"""Methods compared over patients: bootstrap confidence intervals and paired tests."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from upwind.common.frames import groups

MEASURES = ("dsc", "hd95_mm", "assd_mm")
COLUMNS = (
    "subset", "measure", "method", "other", "patients", "mean", "low", "high", "wilcoxon_p",
    "holm_p",
)  # fmt: skip


def compare(scores: pd.DataFrame, resamples: int, confidence: float, seed: int) -> pd.DataFrame:
    """One row per subset, measure and method, and one per pair of methods.

    Columns: ``subset``, ``measure``, ``method``, ``other`` (empty for a single method),
    ``patients``, ``mean`` (of the method, or of the paired differences method - other), ``low``
    and ``high`` (percentile bootstrap over patients), ``wilcoxon_p`` (two-sided signed-rank test)
    and ``holm_p`` (corrected over the pairs of its subset and measure). Undefined scores are left
    out, in pairs for a comparison; ``patients`` says how many are left. A patient with scores
    in several folds (held-out slices) counts once, with their mean.
    """
    rows = []
    for subset, part in groups(scores, "subset", sort=False):
        for measure in MEASURES:
            # In order of cases: the bootstrap's draws must not depend on the order of the rows.
            wide = part.pivot_table(index="case", columns="method", values=measure)
            rows += _measure(
                wide, {"subset": subset, "measure": measure}, resamples, confidence, seed
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _measure(
    wide: pd.DataFrame, key: dict[str, Any], resamples: int, confidence: float, seed: int
) -> list[dict[str, Any]]:
    methods = sorted(m for m in wide.columns if wide[m].notna().any())
    rows = [
        key | {"method": m, "other": ""} | interval(wide[m].dropna(), resamples, confidence, seed)
        for m in methods
    ]
    pairs = []
    for method, other in combinations(methods, 2):
        differences = (wide[method] - wide[other]).dropna()
        if differences.empty:
            continue
        mean = interval(differences, resamples, confidence, seed)
        p = {"wilcoxon_p": _signed_rank(differences)}
        pairs.append(key | {"method": method, "other": other} | mean | p)
    corrected = holm([pair["wilcoxon_p"] for pair in pairs])
    return rows + [pair | {"holm_p": p} for pair, p in zip(pairs, corrected, strict=True)]


def interval(values: pd.Series, resamples: int, confidence: float, seed: int) -> dict[str, float]:
    """``mean`` of ``values`` (without empty ones), their number as ``patients``, and ``low`` and
    ``high`` of its percentile bootstrap interval, empty for fewer than two."""
    data = values.to_numpy(float)
    result = {"patients": len(data), "mean": data.mean(), "low": np.nan, "high": np.nan}
    if len(data) < 2:
        return result
    means = np.random.default_rng(seed).choice(data, (resamples, len(data))).mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return result | {"low": float(low), "high": float(high)}


def _signed_rank(differences: pd.Series) -> float:
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences.to_numpy(float)).pvalue)


def holm(p_values: list[float]) -> list[float]:
    """Holm's (1979) step-down correction, in the order given."""
    order = np.argsort(p_values)
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
