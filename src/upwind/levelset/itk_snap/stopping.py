"""When to stop without a label: after so many iterations, or when the contour hardly grows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from upwind.levelset.engines.engine import Engine, Weights
from upwind.settings.levelset import BlindSettings

# Growths that are tried: relative gain of volume from one look to the next. 0 never stops a
# contour that still grows.
GROWTHS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True)
class Stopping:
    """Stop after ``iterations`` at the latest, or at the first look at which the volume inside the
    contour has grown by at most ``growth`` (a share of it) since the look before."""

    iterations: int
    growth: float


@dataclass(frozen=True)
class Curve:
    """One evolution, look by look from the bubble on: DSC and volume (voxels) inside."""

    dsc: np.ndarray
    volume: np.ndarray


def evolve_to_stop(
    speed: np.ndarray,
    start: np.ndarray,
    weights: Weights,
    stopping: Stopping,
    chunk: int,
    engine: Engine,
) -> np.ndarray:
    """The level set function where ``stopping`` ends its evolution, looked at every ``chunk``
    iterations."""
    current, done = start, 0
    while done < stopping.iterations:
        before = int(np.count_nonzero(current > 0))
        current = engine(speed, current, weights, min(chunk, stopping.iterations - done))
        done += chunk
        if _stands(before, int(np.count_nonzero(current > 0)), stopping.growth):
            break
    return current


def evolve_curve(
    speed: np.ndarray,
    start: np.ndarray,
    weights: Weights,
    target: np.ndarray,
    outside: float,
    settings: BlindSettings,
    engine: Engine,
) -> Curve:
    """Evolve to ``settings.max_iterations``, or until the volume inside no longer grows, and look
    on the way. ``outside`` voxels of the label lie outside ``target``."""
    whole = int(np.count_nonzero(target)) + outside

    def look(level_set: np.ndarray) -> tuple[float, int]:
        inside = level_set > 0
        volume = int(np.count_nonzero(inside))
        both = 2 * int(np.count_nonzero(inside & target))
        # Of a liver too thin for this grid, which no contour found, nothing is left.
        return both / (volume + whole) if both else 0.0, volume

    current, looks = start, [look(start)]
    for _ in range(settings.looks):
        current = engine(speed, current, weights, settings.chunk)
        looks.append(look(current))
        if _stands(looks[-2][1], looks[-1][1], 0.0):
            break
    dsc, volume = (np.array(values, float) for values in zip(*looks, strict=True))
    return Curve(dsc, volume)


def best_stopping(curves: Sequence[Curve], settings: BlindSettings) -> tuple[Stopping, float]:
    """The rule under which several evolutions end with the largest mean DSC, and that mean. Of
    equal ones, that with the fewest iterations."""
    best: Stopping | None = None
    best_dsc = -1.0
    for growth in GROWTHS:
        stops = [_stop(curve.volume, growth) for curve in curves]
        for last in range(1, max(stops) + 1):
            dsc = float(
                np.mean([c.dsc[min(last, stop)] for c, stop in zip(curves, stops, strict=True)])
            )
            if dsc > best_dsc:
                best, best_dsc = Stopping(last * settings.chunk, growth), dsc
    if best is None:
        raise ValueError("no evolution was looked at after its beginning")
    return best, best_dsc


def _stop(volume: np.ndarray, growth: float) -> int:
    """The look at which a rule ends an evolution with these volumes."""
    for look in range(1, len(volume)):
        if _stands(volume[look - 1], volume[look], growth):
            return look
    return len(volume) - 1


def _stands(before: float, after: float, growth: float) -> bool:
    return after - before <= growth * before
