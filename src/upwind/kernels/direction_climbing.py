"""Directions that kernels of length 1 crowd around, compiled: hundreds of runs for each layer."""

import numpy as np

from upwind.common.compiled import jit

_jit = jit(nogil=True)

_STARTS, _MOST_ITERATIONS = 4, 50
_TOLERANCE = 1e-6  # of the value, in a step


def closeness(unit: np.ndarray, directions: int, axial: bool, seed: int) -> float:
    """How close kernels ``unit`` (n, d), of length 1, come to so many directions c at best: the
    mean over kernels of the largest y . c (spherical k-means: Dhillon and Modha 2001) or, where
    ``axial``, of the largest (y . c)^2, which minds no sign (diametrical clustering: Dhillon,
    Marcotte and Roshan 2003). At most 1. The best of four starts, each from kernels drawn at
    random."""
    generator = np.random.default_rng(seed)
    across = np.ascontiguousarray(unit.T)
    starts = [generator.choice(len(unit), directions, replace=False) for _ in range(_STARTS)]
    return max(_climb(unit, across, unit[start], axial) for start in starts)


@_jit
def _climb(unit: np.ndarray, across: np.ndarray, centres: np.ndarray, axial: bool) -> float:
    """The value where the directions ``centres`` (k, d), which are moved, come to rest; ``across``
    is ``unit`` with its axes swapped."""
    count = len(unit)
    best, projected, weight = np.empty(count), np.empty(count), np.empty(count)
    labels = np.empty(count, np.int64)
    value = before = 0.0
    for _ in range(_MOST_ITERATIONS):
        for number in range(len(centres)):
            _project(across, centres[number], projected)
            for place in range(count):
                along = projected[place]
                close = along * along if axial else along
                if number == 0 or close > best[place]:
                    best[place], labels[place] = close, number
                    weight[place] = along if axial else 1.0
        value = best.sum() / count
        if value <= before * (1 + _TOLERANCE):
            break
        before = value
        _turn(unit, labels, weight, centres)
    return value


@_jit
def _project(across: np.ndarray, centre: np.ndarray, out: np.ndarray) -> None:
    out[:] = 0
    for axis in range(len(across)):
        row, at = across[axis], centre[axis]
        for place in range(len(out)):
            out[place] += row[place] * at


@_jit
def _turn(unit: np.ndarray, labels: np.ndarray, weight: np.ndarray, centres: np.ndarray) -> None:
    """Each direction to the weighted mean of its kernels, made of length 1: a step of the power
    iteration where a kernel weighs as much as it lies along. One without kernels stays."""
    sums = np.zeros(centres.shape)
    for place in range(len(unit)):
        for axis in range(unit.shape[1]):
            sums[labels[place], axis] += weight[place] * unit[place, axis]
    for number in range(len(centres)):
        length = 0.0
        for axis in range(unit.shape[1]):
            length += sums[number, axis] ** 2
        if length > 0:
            centres[number] = sums[number] / np.sqrt(length)
