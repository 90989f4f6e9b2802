"""Whether two methods differ: a test of paired differences over patients, some of whom share a
network.

A test that takes patients of a fold for independent finds differences that are those of a few
networks (``docs/scores.md`` has it measured). What is independent are the folds, so that it is
their signs that are flipped. The paper has no test.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from upwind.common.intervals import Resampling

#: The least p of two sides is 2 / 2**n: with fewer units that differ none falls below 0.05.
FEWEST_UNITS = 6
#: Up to so many units every pattern of signs is counted; of more, patterns are drawn.
MOST_COUNTED = 12
# Sums in another order differ in their last bits; what is as far from 0 counts as such.
_CLOSE = 1e-12


def paired_test(differences: pd.DataFrame, settings: Resampling) -> dict[str, Any]:
    """``test``, ``p`` of two sides and ``note`` of differences with rows (fold, case) and columns
    (seed).

    With several folds the test is :func:`sign_flips` of the folds; with one, or without, Wilcoxon's
    signed-rank test of the patients' means. p is NaN where so few of these units differ that none
    could fall below 0.05, and ``note`` says so.
    """
    means = differences.mean(axis=1)
    by_fold = means.groupby(level="fold").sum()
    if len(by_fold) > 1:
        test, units, what = "sign flips", by_fold.to_numpy(), "folds"
    else:
        test, what = "signed rank", "patients"
        units = means.groupby(level="case").mean().to_numpy()
    differing = int(np.count_nonzero(units))
    if not differing:
        return {"test": test, "p": 1.0}
    if differing < FEWEST_UNITS:
        least = 2 / 2**differing
        note = f"{differing} {what} differ: least possible p {least:g}"
        return {"test": test, "p": np.nan, "note": note}
    p = sign_flips(units, settings) if what == "folds" else stats.wilcoxon(units).pvalue
    return {"test": test, "p": float(p)}


def sign_flips(sums: np.ndarray, settings: Resampling) -> float:
    """The p of two sides that sums (n,) of independent units lie about 0 (Fisher's randomization
    test): among all patterns of their signs the share with a total as far from 0 as is found.

    It is exact if each unit's sum is as likely as its negative, whatever goes on within units and
    however many patients each has. Of more than :data:`MOST_COUNTED` units that differ
    ``settings.resamples`` patterns are drawn, and the one that was found counts too.
    """
    some = sums[sums != 0]
    limit = abs(some.sum()) - _CLOSE * np.abs(some).sum()
    if len(some) <= MOST_COUNTED:
        patterns = np.arange(2 ** len(some))[:, None] >> np.arange(len(some)) & 1
        return float(np.mean(_totals(patterns, some) >= limit))
    generator = np.random.default_rng(settings.seed)
    patterns = generator.integers(0, 2, (settings.resamples, len(some)))
    return float((1 + np.sum(_totals(patterns, some) >= limit)) / (1 + settings.resamples))


def _totals(patterns: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """How far from 0 each pattern's total is; 0 in a pattern keeps a sum, 1 turns it round."""
    return np.abs(np.where(patterns, -sums, sums).sum(axis=1))
