"""Exact distances from the voxels of one set to another set, in the memory of a few slices.

SciPy's distance transform of a whole volume takes some 60 bytes a voxel, 15 GB for LiTS' largest
CT, and trees of points take hours where a network that failed to train fills the volume. The
transform is separable (Felzenszwalb and Huttenlocher, Theory of Computing, 2012), and distances are
asked for at few voxels: along z the nearest target of each column of voxels is kept from slice to
slice, along x the lower envelope of a row's parabolas is made when a voxel asks for it, and along y
each voxel looks both ways until no row can be nearer.
"""

import numpy as np

from upwind.common.compiled import jit

_jit = jit()
_NONE = -1


def nearest_distances(
    queries: np.ndarray, targets: np.ndarray, spacing: tuple[float, float, float]
) -> np.ndarray:
    """Distance (mm) from each voxel of ``queries`` to the nearest voxel of ``targets``, both
    C-contiguous bool (z, y, x); ``spacing`` is (x, y, z) in mm.

    The distances come in the order of ``np.nonzero`` of the array with its axes as (x, y, z).
    Raises ValueError where the shapes differ or there is no target.
    """
    if queries.shape != targets.shape or queries.ndim != 3:
        raise ValueError(f"queries {queries.shape} and targets {targets.shape} differ in shape")
    if not targets.any():
        raise ValueError("there is no target to measure to")
    in_column = np.count_nonzero(queries, axis=0).T  # (x, y)
    ends = np.cumsum(in_column).reshape(in_column.shape)
    distances = np.empty(int(ends[-1, -1]))
    _measure(queries, targets, np.array(spacing, float), ends - in_column, distances)
    return distances


@_jit
def _measure(
    queries: np.ndarray,
    targets: np.ndarray,
    spacing: np.ndarray,
    place: np.ndarray,
    distances: np.ndarray,
) -> None:
    """Fill ``distances``; ``place`` (x, y) says where the next voxel of each column goes."""
    depth, height, width = queries.shape
    below = np.full((height, width), _NONE)
    above = np.full((height, width), _NONE)
    along_z = np.empty((height, width))  # squared, to each column's nearest target
    column = np.empty((height, width), np.int64)  # which column holds the nearest of a row
    made = np.full(height, _NONE)  # slice that a row of ``column`` was made for
    room = np.empty(width, np.int64), np.empty(width)
    for z in range(depth):
        _advance(targets, z, spacing[2], below, above, along_z)
        for y in range(height):
            for x in range(width):
                if queries[z, y, x]:
                    squared = _nearest(x, y, z, spacing, along_z, column, made, room)
                    distances[place[x, y]] = np.sqrt(squared)
                    place[x, y] += 1


@_jit
def _nearest(
    x: int,
    y: int,
    z: int,
    spacing: np.ndarray,
    along_z: np.ndarray,
    column: np.ndarray,
    made: np.ndarray,
    room: tuple[np.ndarray, np.ndarray],
) -> float:
    """Squared distance from one voxel to its nearest target."""
    height = column.shape[0]
    best = np.inf
    for step in range(height):
        along_y = (step * spacing[1]) ** 2
        if along_y >= best:
            break
        for row in (y - step, y + step):
            if not 0 <= row < height:
                continue
            if made[row] != z:
                _nearest_columns(along_z[row], spacing[0], column[row], *room)
                made[row] = z
            p = column[row, x]
            if p != _NONE:
                in_slice = ((p - x) * spacing[0]) ** 2 + along_y
                best = min(best, in_slice + along_z[row, p])
    return best


@_jit
def _advance(
    targets: np.ndarray,
    z: int,
    spacing: float,
    below: np.ndarray,
    above: np.ndarray,
    along_z: np.ndarray,
) -> None:
    """Bring each column's nearest targets at or below, and at or above, from slice z - 1 to z."""
    depth, height, width = targets.shape
    for y in range(height):
        for x in range(width):
            if targets[z, y, x]:
                below[y, x] = z
            if above[y, x] < z:
                k = z
                while k < depth and not targets[k, y, x]:
                    k += 1
                above[y, x] = k
            nearest = np.inf
            if below[y, x] != _NONE:
                nearest = (z - below[y, x]) * spacing
            if above[y, x] != depth:
                nearest = min(nearest, (above[y, x] - z) * spacing)
            along_z[y, x] = nearest**2


@_jit
def _nearest_columns(
    heights: np.ndarray,
    spacing: float,
    nearest: np.ndarray,
    envelope: np.ndarray,
    start: np.ndarray,
) -> None:
    """For each x of a row, the column p with the least ((x - p) spacing)^2 + heights[p]; -1 where
    all heights are infinite.

    ``envelope`` is room for the columns whose parabola is lowest somewhere, from left to right,
    and ``start`` for where each becomes so.
    """
    last = _NONE
    for q in range(heights.size):
        if heights[q] == np.inf:
            continue
        meet = -np.inf
        while last != _NONE:
            p = envelope[last]
            meet = ((heights[q] - heights[p]) / spacing**2 + q * q - p * p) / (2 * (q - p))
            if meet > start[last]:
                break
            last -= 1
        last += 1
        envelope[last] = q
        start[last] = meet if last else -np.inf
    k = 0
    for x in range(heights.size):
        while k < last and start[k + 1] < x:
            k += 1
        nearest[x] = envelope[k] if last != _NONE else _NONE
