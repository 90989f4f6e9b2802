"""Correction of several tests' p values for each other."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down correction, in the order given; what was not tested (NaN) does not
    count."""
    order = [index for index in np.argsort(p_values) if not np.isnan(p_values[index])]
    corrected, largest = [np.nan] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
