"""Intervals of what is said of a network: over the networks that were trained."""

from dataclasses import replace

import numpy as np
import pandas as pd

from upwind.common.intervals import Interval, Resampling, mean_interval
from upwind.tables.comparison import over_patients


def dsc_over_networks(values: pd.DataFrame, settings: Resampling) -> dict[str, float]:
    """``dsc``, the mean of ``values`` of DSC, and ``low`` and ``high``, their interval
    (:func:`over_networks`), cut to 0 and 1: Student's knows of no limits."""
    found = over_networks(values, settings)
    low, high = np.clip([found.low, found.high], 0, 1).tolist()
    return {"dsc": found.mean, "low": low, "high": high}


def over_networks(values: pd.DataFrame, settings: Resampling) -> Interval:
    """The mean of ``values`` with rows (fold, case) and columns (seed), and its interval.

    Networks that were trained apart are independent of each other, patients whom one network has
    segmented are not. Of several folds the interval is that over folds and their patients
    (:func:`upwind.common.intervals.mean_interval`). Of one fold it is over seeds, the values being
    their means: it tells of further seeds on these patients, and of no others. One fold and one
    seed are one network, which has no interval: its bounds are NaN.
    """
    if values.index.get_level_values("fold").nunique() > 1:
        return over_patients(values, settings)
    by_seed = values.mean().dropna().to_numpy(float)
    found = mean_interval(by_seed, settings)
    return replace(found, over=found.over.replace("patients", "seeds"))
