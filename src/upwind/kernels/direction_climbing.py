"""Directions that kernels of length 1 crowd around, compiled: hundreds of runs for each layer."""

import numpy as np

from upwind.common.compiled import jit
from upwind.kernels.lloyd import AT_ONCE, members_of, row_of

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
    labels, members = np.empty(count, np.int64), np.empty(count, np.int64)
    value = before = 0.0
    for _ in range(_MOST_ITERATIONS):
        best[:] = -np.inf
        for number in range(len(centres)):
            _project(across, centres[number], projected)
            for place in range(count):
                along = projected[place]
                close = along * along if axial else along
                closer = close > best[place]
                best[place] = close if closer else best[place]
                labels[place] = number if closer else labels[place]
                weight[place] = (along if axial else 1.0) if closer else weight[place]
        value = best.sum() / count
        if value <= before * (1 + _TOLERANCE):
            break
        before = value
        _turn(across, labels, weight, centres, members)
    return value


@_jit
def _project(across: np.ndarray, centre: np.ndarray, out: np.ndarray) -> None:
    out[:] = 0
    whole = len(across) // AT_ONCE * AT_ONCE
    for axis in range(0, whole, AT_ONCE):
        rows = across[axis], across[axis + 1], across[axis + 2]
        at = centre[axis], centre[axis + 1], centre[axis + 2]
        for place in range(len(out)):
            one, two = rows[0][place] * at[0], rows[1][place] * at[1]
            out[place] = out[place] + one + two + rows[2][place] * at[2]
    for axis in range(whole, len(across)):
        row, only = across[axis], centre[axis]
        for place in range(len(out)):
            out[place] += row[place] * only


@_jit
def _turn(
    across: np.ndarray,
    labels: np.ndarray,
    weight: np.ndarray,
    centres: np.ndarray,
    members: np.ndarray,
) -> None:
    """Each direction to the weighted mean of its kernels, made of length 1: a step of the power
    iteration where a kernel weighs as much as it lies along. One without kernels stays. ``members``
    (n,) is room to work in."""
    sums = np.zeros(centres.shape[1])
    for number in range(len(centres)):
        count = members_of(labels, number, members)
        for axis in range(0, len(across), AT_ONCE):
            rows = across[axis], row_of(across, axis + 1), row_of(across, axis + 2)
            one = two = three = 0.0
            for member in members[:count]:
                one += weight[member] * rows[0][member]
                two += weight[member] * rows[1][member]
                three += weight[member] * rows[2][member]
            of_axes = one, two, three
            for step in range(min(AT_ONCE, len(across) - axis)):
                sums[axis + step] = of_axes[step]
        length = 0.0
        for axis in range(len(sums)):
            length += sums[axis] ** 2
        if length > 0:
            centres[number] = sums / np.sqrt(length)
