"""Where a grid lies on another: the same box by axes permuted or flipped, or what differs.

A mask belongs where its own header puts it. Tools store the same mask in another order of voxels,
so that it has to be turned before it is laid over the CT's array. Stored arrays here are those of
files, as (i, j, k) of their own grid.
"""

import numpy as np
from nibabel import affines, orientations

from upwind.common.errors import UpwindError
from upwind.common.tuples import triple
from upwind.data.volumes import Grid

# In voxels of the CT, at the corner that is farthest off. Affines in single precision and by
# quaternions lose less than 0.01; half a voxel would be another voxel.
SAME_BOX = 0.1
# An axis for each stored one, and its direction, as nibabel has orientations.
UNTURNED = np.array([[0, 1], [1, 1], [2, 1]])
_CORNERS = np.array(list(np.ndindex(2, 2, 2)))


def turning(grid: Grid, ct: Grid) -> np.ndarray | None:
    """How an array stored on ``grid`` is turned into one stored on ``ct``: for each axis of it, an
    axis of ``ct`` and 1 or -1 (3, 2). None where the two do not cover the same box voxel by voxel,
    to within :data:`SAME_BOX`."""
    to_ct = np.linalg.inv(ct.affine) @ grid.affine
    axes = np.abs(to_ct[:3, :3]).argmax(axis=0)
    if sorted(axes) != [0, 1, 2] or [ct.shape[axis] for axis in axes] != list(grid.shape):
        return None
    found = np.stack([axes, np.sign(to_ct[axes, range(3)]).astype(int)], axis=1)
    exact, corners = _to_turned(found, grid.shape), _corners(grid)
    off = affines.apply_affine(to_ct, corners) - affines.apply_affine(exact, corners)
    return found if np.abs(off).max() <= SAME_BOX else None


def turned(stored: np.ndarray, how: np.ndarray) -> np.ndarray:
    """View a stored array as :func:`turning` says."""
    return orientations.apply_orientation(stored, how)


def turned_grid(ct: Grid, how: np.ndarray) -> Grid:
    """The grid of stored arrays that ``how`` turns into ones on ``ct``."""
    shape = triple(ct.shape[axis] for axis in how[:, 0])
    return Grid(shape, ct.affine @ _to_turned(how, shape))


def onto(
    stored: np.ndarray, grid: Grid, ct: Grid, name: str, *, resample: bool = False
) -> np.ndarray:
    """A mask (bool), stored on ``grid``, as stored on ``ct``: turned where both cover the same box,
    a view; else by nearest neighbour where ``resample`` asks for it.

    Raises UpwindError, with ``name`` and what differs, for another box that is not to be resampled.
    """
    how = turning(grid, ct)
    if how is not None:
        return turned(stored, how)
    if resample:
        return resampled(stored, grid, ct)
    raise UpwindError(
        f"{name} is on another grid than the CT ({difference(ct, grid)}): give the mask on the "
        "CT's grid, in any order of its axes, or ask for nearest-neighbour resampling"
    )


def resampled(stored: np.ndarray, grid: Grid, ct: Grid) -> np.ndarray:
    """A mask (bool), stored on ``grid``, in the voxels of ``ct`` by nearest neighbour: False
    outside the grid. One byte a voxel of either is held."""
    from scipy import ndimage

    to_grid = np.linalg.inv(grid.affine) @ ct.affine
    nearest = ndimage.affine_transform(
        stored.view(np.uint8),
        to_grid[:3, :3],
        to_grid[:3, 3],
        output_shape=ct.shape,
        order=0,
        mode="grid-constant",  # the outer half of the border's voxels belongs to them
    )
    return nearest.view(bool)


def difference(ct: Grid, grid: Grid) -> str:
    """In words, how ``grid`` differs from ``ct``: orientation as stored, then, both canonical,
    shape, spacing, direction, origin, and how far corners are apart."""
    ours, theirs = canonical(ct), canonical(grid)
    parts = []
    if ct.orientation != grid.orientation:
        parts.append(f"orientation {ct.orientation} against {grid.orientation}")
    if ours.shape != theirs.shape:
        parts.append(f"shape {by(ours.shape)} against {by(theirs.shape)} voxels")
    if not np.allclose(ours.spacing, theirs.spacing, rtol=1e-4):
        parts.append(f"spacing {mm(ours.spacing)} against {mm(theirs.spacing)} mm")
    if (angle := _angle(ours, theirs)) > 0.01:
        parts.append(f"direction turned by {angle:.3g} degrees")
    first, second = ours.affine[:3, 3], theirs.affine[:3, 3]
    if not np.allclose(first, second, atol=1e-3):
        parts.append(f"origin ({mm(first, ', ')}) against ({mm(second, ', ')}) mm")
    apart = affines.apply_affine(ours.affine, _corners(ours)) - affines.apply_affine(
        theirs.affine, _corners(theirs)
    )
    parts.append(f"corners up to {np.linalg.norm(apart, axis=1).max():.4g} mm apart")
    return "; ".join(parts)


def canonical(grid: Grid) -> Grid:
    """The grid of the same volume in its closest canonical orientation."""
    codes = orientations.io_orientation(grid.affine)
    return Grid(grid.canonical_shape, grid.affine @ orientations.inv_ornt_aff(codes, grid.shape))


def by(shape: tuple[int, ...]) -> str:
    """A shape in words: ``512 x 512 x 75``."""
    return " x ".join(str(n) for n in shape)


def mm(values: np.ndarray | tuple[float, ...], separator: str = " x ") -> str:
    """Lengths in words: ``0.8 x 0.8 x 2.5``."""
    return separator.join(f"{value:.4g}" for value in values)


def _to_turned(how: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Indices of a stored array of ``shape`` to those of the turned one, as an affine."""
    back: np.ndarray = orientations.inv_ornt_aff(how, shape)
    return np.linalg.inv(back)


def _corners(grid: Grid) -> np.ndarray:
    return _CORNERS * (np.asarray(grid.shape) - 1)


def _angle(one: Grid, other: Grid) -> float:
    """The largest angle (degrees) between an axis of one and the same of the other."""
    ours, theirs = (
        g.affine[:3, :3] / np.linalg.norm(g.affine[:3, :3], axis=0) for g in (one, other)
    )
    return float(np.degrees(2 * np.arcsin(np.linalg.norm(ours - theirs, axis=0).max() / 2)))
