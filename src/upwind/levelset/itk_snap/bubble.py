"""The bubble that an evolution starts from: a signed distance in voxels, > 0 inside."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from upwind.common.errors import UpwindError
from upwind.common.tuples import triple


def bubble_in(target: np.ndarray, fraction: float) -> np.ndarray:
    """A sphere around the deepest voxel of ``target`` (boolean, isotropic grid) with ``fraction``
    of its depth as radius, one voxel at least. Raises UpwindError where ``target`` is empty."""
    centre, depth = deepest(target)
    return bubble_at(target.shape, centre, fraction * depth)


def bubble_at(
    shape: tuple[int, int, int], centre: tuple[float, float, float], radius: float
) -> np.ndarray:
    """A sphere (voxels) in an array of ``shape``, with a radius of one voxel at least."""
    return ball(shape, centre, max(1.0, radius))


def ball(shape: tuple[int, int, int], centre: Sequence[float], radius: float) -> np.ndarray:
    """Signed distance (voxels, positive inside, float32) to a sphere in an array of ``shape``."""
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    squares = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True))
    return (radius - np.sqrt(squares)).astype(np.float32)


def deepest(target: np.ndarray) -> tuple[tuple[int, int, int], float]:
    """The deepest voxel of ``target`` (boolean, isotropic grid) and its depth in voxels.

    Depth is the distance to the nearest voxel outside; beyond the array counts as outside. Of
    equally deep voxels the first in the array's order is taken. Raises UpwindError where
    ``target`` is empty.
    """
    if not target.any():
        raise UpwindError(
            "the label is too thin to be seen on the level set's working grid; "
            "lower levelset.spacing_mm"
        )
    depth = ndimage.distance_transform_edt(np.pad(target, 1))[1:-1, 1:-1, 1:-1]
    centre = np.unravel_index(np.argmax(depth), depth.shape)
    return triple(int(i) for i in centre), float(depth[centre])
