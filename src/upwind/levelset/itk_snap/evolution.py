"""One evolution of a contour, looked at every few iterations."""

from dataclasses import dataclass

import numpy as np

from upwind.levelset.engines.engine import Engine, Weights
from upwind.settings.levelset import OperatorSettings


@dataclass(frozen=True)
class Evolution:
    """The best look of one evolution: its level set function, when, and its DSC."""

    level_set: np.ndarray
    iterations: int
    dsc: float


def evolve_until_best(
    speed: np.ndarray,
    start: np.ndarray,
    weights: Weights,
    target: np.ndarray,
    settings: OperatorSettings,
    engine: Engine,
) -> Evolution:
    """Evolve ``start`` in chunks until DSC with ``target`` has not gained ``least_gain`` for
    ``patience`` looks, or to ``max_iterations``; keep the best look, the start included."""
    best = Evolution(start, 0, dice(start > 0, target))
    improved = best.dsc  # DSC at the last look that counted as an improvement
    current, done, idle = start, 0, 0
    while done < settings.max_iterations and idle < settings.patience:
        chunk = min(settings.chunk, settings.max_iterations - done)
        current = engine(speed, current, weights, chunk)
        done += chunk
        dsc = dice(current > 0, target)
        if dsc > best.dsc:
            best = Evolution(current, done, dsc)
        if dsc >= improved + settings.least_gain:
            improved, idle = dsc, 0
        else:
            idle += 1
    return best


def dice(mask: np.ndarray, target: np.ndarray) -> float:
    """DSC of two boolean arrays of which ``target`` is not empty."""
    common = int(np.count_nonzero(mask & target))
    return 2.0 * common / int(np.count_nonzero(mask) + np.count_nonzero(target))
