"""Steps of :mod:`upwind.levelset.equation.scheme` in 3-D with finite differences, as compiled loops
on CPU.

One pass over a volume computes the fifteen differences of a row in registers, and from them how
fast u changes; what a step needs besides is u and that rate. Without gradients: for solving, not
for training.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from upwind.common.compiled import jit
from upwind.levelset.equation.limits import CURVATURE_FLOOR, GRADIENT_FLOOR

# Without fastmath, as in upwind.levelset.equation.fused: the same bits whenever it was compiled.
_jit = jit(nogil=True)


class Motion(NamedTuple):
    """What moves the contour, arrays (nz, ny, nx) of one floating dtype; c >= 0 is a number.

    The curvature term is c times ``curvature_speed`` (>= 0; None for 1 everywhere) times
    kappa |grad u|.
    """

    speed: np.ndarray
    velocity: tuple[np.ndarray, np.ndarray, np.ndarray] | None  # along x, y, z
    curvature: float
    curvature_speed: np.ndarray | None = None


class Fastest(NamedTuple):
    """Largest absolute values on the contour: of the speed, of a component of the velocity, and of
    the curvature term."""

    speed: float
    velocity: float
    curvature: float


def whole(shape: tuple[int, int, int]) -> np.ndarray:
    """The ranges of all rows (nz, ny, 2): first voxel, last + 1."""
    ranges = np.zeros((*shape[:2], 2), np.int64)
    ranges[..., 1] = shape[2]
    return ranges


def rates(
    u: np.ndarray,
    motion: Motion,
    spacing: Sequence[float],
    ranges: np.ndarray,
    rate: np.ndarray,
    bending: np.ndarray,
) -> None:
    """Fill ``rate`` with u_t and ``bending`` with the curvature term over c (where c > 0), both of
    the shape of ``motion.speed``, within ``ranges``. ``u`` has a border of one voxel, which is
    filled; ``spacing`` (h_x, h_y, h_z)."""
    kind = u.dtype.type
    inverse = tuple(kind(1 / h) for h in spacing)
    # Typed, because Python's own numbers would turn single precision into double.
    numbers = tuple(kind(v) for v in (0, 1, 0.25, 0.5, GRADIENT_FLOOR, CURVATURE_FLOOR))
    given = (motion.speed, *_velocity(motion), *_curvature(motion, kind))
    _replicate_border(u)
    _rates(u, *given, inverse, numbers, ranges, rate, bending)


def fastest_on_contour(
    u: np.ndarray, motion: Motion, ranges: np.ndarray, bending: np.ndarray
) -> Fastest:
    """The largest absolute values where ``u`` (with its border) changes its sign between
    neighbours, each interpolated linearly to u = 0."""
    return Fastest(*_fastest(u, motion.speed, *_velocity(motion), ranges, bending))


def _velocity(motion: Motion) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """The velocity's three arrays, and whether there is one: compiled code wants arrays."""
    nothing = np.empty((1, 1, 1), motion.speed.dtype)
    return (*(motion.velocity or (nothing,) * 3), motion.velocity is not None)


def _curvature(motion: Motion, kind: type[np.floating]) -> tuple[np.floating, np.ndarray, bool]:
    """c, the speed of the curvature term's array, and whether there is one."""
    nothing = np.empty((1, 1, 1), motion.speed.dtype)
    given = motion.curvature_speed
    return kind(motion.curvature), nothing if given is None else given, given is not None


@_jit
def _replicate_border(u: np.ndarray) -> None:
    u[0] = u[1]
    u[-1] = u[-2]
    u[:, 0] = u[:, 1]
    u[:, -1] = u[:, -2]
    u[:, :, 0] = u[:, :, 1]
    u[:, :, -1] = u[:, :, -2]


# The compiler vectorises a loop that reads few arrays: it has to prove that what is written is none
# of them. Hence several short loops over a row in place of a long one.


@_jit
def _rates(
    u: np.ndarray,
    speed: np.ndarray,
    v_x: np.ndarray,
    v_y: np.ndarray,
    v_z: np.ndarray,
    moved: bool,
    curvature: np.floating,
    g: np.ndarray,
    scaled: bool,
    inverse: tuple[np.floating, ...],
    numbers: tuple[np.floating, ...],
    ranges: np.ndarray,
    rate: np.ndarray,
    bending: np.ndarray,
) -> None:
    depth, height, width = speed.shape
    xy, xz, yz = np.empty(width, u.dtype), np.empty(width, u.dtype), np.empty(width, u.dtype)
    for i in range(depth):
        for j in range(height):
            first, last = ranges[i, j]
            if first >= last:
                continue
            part, around = slice(first, last), slice(first, last + 2)
            here = u[i + 1, j + 1, around]
            front, back = u[i + 1, j, around], u[i + 1, j + 2, around]
            above, below = u[i, j + 1, around], u[i + 2, j + 1, around]
            cross = (here, front, back, above, below)
            into = rate[i, j, part]
            _balloon_row(cross, speed[i, j, part], inverse, numbers, into)
            if moved:
                velocity = (v_x[i, j, part], v_y[i, j, part], v_z[i, j, part])
                _transport_row(cross, velocity, inverse, numbers, into)
            if curvature > numbers[0]:
                n = last - first
                _mixed_along_row(front, back, inverse[0] * inverse[1] * numbers[2], xy[:n])
                _mixed_along_row(above, below, inverse[0] * inverse[2] * numbers[2], xz[:n])
                corners = (
                    u[i, j, around],
                    u[i, j + 2, around],
                    u[i + 2, j, around],
                    u[i + 2, j + 2, around],
                )
                _mixed_across_row(corners, inverse[1] * inverse[2] * numbers[2], yz[:n])
                _bending_row(cross, xy, xz, yz, inverse, numbers, bending[i, j, part])
                if scaled:
                    _scale_row(bending[i, j, part], g[i, j, part])
                _add_row(bending[i, j, part], curvature, into)


@_jit
def _balloon_row(
    cross: tuple[np.ndarray, ...],
    speed: np.ndarray,
    inverse: tuple[np.floating, ...],
    numbers: tuple[np.floating, ...],
    rate: np.ndarray,
) -> None:
    zero, one, _, _, floor, _ = numbers
    here, front, back, above, below = cross
    h_x, h_y, h_z = inverse
    for k in range(rate.shape[0]):
        u, f = here[k + 1], speed[k]
        # Shrinking is growing with every sign turned.
        s = one if f > zero else -one
        square = floor
        square += max(s * (here[k + 2] - u) * h_x, zero) ** 2
        square += max(s * (here[k] - u) * h_x, zero) ** 2
        square += max(s * (back[k + 1] - u) * h_y, zero) ** 2
        square += max(s * (front[k + 1] - u) * h_y, zero) ** 2
        square += max(s * (below[k + 1] - u) * h_z, zero) ** 2
        square += max(s * (above[k + 1] - u) * h_z, zero) ** 2
        rate[k] = f * np.sqrt(square)


@_jit
def _transport_row(
    cross: tuple[np.ndarray, ...],
    velocity: tuple[np.ndarray, ...],
    inverse: tuple[np.floating, ...],
    numbers: tuple[np.floating, ...],
    rate: np.ndarray,
) -> None:
    zero = numbers[0]
    here, front, back, above, below = cross
    for k in range(rate.shape[0]):
        v, u = velocity[0][k], here[k + 1]
        difference = here[k + 2] - u if v > zero else u - here[k]
        rate[k] += v * difference * inverse[0]
    for k in range(rate.shape[0]):
        v, u = velocity[1][k], here[k + 1]
        difference = back[k + 1] - u if v > zero else u - front[k + 1]
        rate[k] += v * difference * inverse[1]
    for k in range(rate.shape[0]):
        v, u = velocity[2][k], here[k + 1]
        difference = below[k + 1] - u if v > zero else u - above[k + 1]
        rate[k] += v * difference * inverse[2]


@_jit
def _mixed_along_row(
    before: np.ndarray, after: np.ndarray, factor: np.floating, mixed: np.ndarray
) -> None:
    """The mixed difference of the row's axis and another, whose neighbours are two rows."""
    for k in range(mixed.shape[0]):
        mixed[k] = ((after[k + 2] - after[k]) - (before[k + 2] - before[k])) * factor


@_jit
def _mixed_across_row(
    corners: tuple[np.ndarray, ...], factor: np.floating, mixed: np.ndarray
) -> None:
    """The mixed difference of the two other axes, from the four rows at the corners."""
    a, b, c, d = corners
    for k in range(mixed.shape[0]):
        mixed[k] = ((d[k + 1] - c[k + 1]) - (b[k + 1] - a[k + 1])) * factor


@_jit
def _bending_row(
    cross: tuple[np.ndarray, ...],
    xy: np.ndarray,
    xz: np.ndarray,
    yz: np.ndarray,
    inverse: tuple[np.floating, ...],
    numbers: tuple[np.floating, ...],
    bending: np.ndarray,
) -> None:
    _, one, _, half, _, floor = numbers
    two = one + one
    here, front, back, above, below = cross
    h_x, h_y, h_z = inverse
    for k in range(bending.shape[0]):
        u2 = two * here[k + 1]
        x = (here[k + 2] - here[k]) * half * h_x
        y = (back[k + 1] - front[k + 1]) * half * h_y
        z = (below[k + 1] - above[k + 1]) * half * h_z
        xx = (here[k + 2] + here[k] - u2) * h_x * h_x
        yy = (back[k + 1] + front[k + 1] - u2) * h_y * h_y
        zz = (below[k + 1] + above[k + 1] - u2) * h_z * h_z
        x2, y2, z2 = x * x, y * y, z * z
        total = xx * (y2 + z2) + yy * (x2 + z2) + zz * (x2 + y2)
        total -= two * (x * y * xy[k] + x * z * xz[k] + y * z * yz[k])
        bending[k] = total / (x2 + y2 + z2 + floor)


@_jit
def _scale_row(bending: np.ndarray, speed: np.ndarray) -> None:
    for k in range(bending.shape[0]):
        bending[k] *= speed[k]


@_jit
def _add_row(bending: np.ndarray, weight: np.floating, rate: np.ndarray) -> None:
    for k in range(rate.shape[0]):
        rate[k] += weight * bending[k]


@_jit
def add_step(u: np.ndarray, rate: np.ndarray, dt: np.floating, ranges: np.ndarray) -> None:
    """u (padded) after a step: plus ``dt`` (of u's dtype) times ``rate``, within ``ranges``."""
    depth, height, _ = rate.shape
    for i in range(depth):
        for j in range(height):
            row, change = u[i + 1, j + 1], rate[i, j]
            for k in range(ranges[i, j, 0], ranges[i, j, 1]):
                row[k + 1] += dt * change[k]


@_jit
def _fastest(
    u: np.ndarray,
    speed: np.ndarray,
    v_x: np.ndarray,
    v_y: np.ndarray,
    v_z: np.ndarray,
    moved: bool,
    ranges: np.ndarray,
    bending: np.ndarray,
) -> tuple[float, float, float]:
    depth, height, width = speed.shape
    fast = moves = bends = abs(speed[0, 0, 0]) * 0
    for i in range(depth):
        for j in range(height):
            for k in range(ranges[i, j, 0], ranges[i, j, 1]):
                here = u[i + 1, j + 1, k + 1]
                for axis in range(3):
                    i2, j2, k2 = i + (axis == 2), j + (axis == 1), k + (axis == 0)
                    there = u[i2 + 1, j2 + 1, k2 + 1]
                    if (here > 0) == (there > 0) or i2 == depth or j2 == height or k2 == width:
                        continue
                    share = here / (here - there)  # of the way from here to there
                    fast = max(fast, abs(_between(speed, i, j, k, i2, j2, k2, share)))
                    bends = max(bends, abs(_between(bending, i, j, k, i2, j2, k2, share)))
                    if moved:
                        moves = max(moves, abs(_between(v_x, i, j, k, i2, j2, k2, share)))
                        moves = max(moves, abs(_between(v_y, i, j, k, i2, j2, k2, share)))
                        moves = max(moves, abs(_between(v_z, i, j, k, i2, j2, k2, share)))
    return fast, moves, bends


@_jit
def _between(
    values: np.ndarray, i: int, j: int, k: int, i2: int, j2: int, k2: int, share: np.floating
) -> float:
    return values[i, j, k] + share * (values[i2, j2, k2] - values[i, j, k])
