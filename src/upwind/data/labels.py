"""Masks and labels on the CT's grid, read by their own headers.

A mask of a method lies where its header says, or is refused. Labels of data sets have one rule
more, the authors' [code]: where a label's own header puts it elsewhere than its CT, and its array
has the CT's shape, the CT's affine is taken for both.
"""

import os
from pathlib import Path

import numpy as np

from upwind.common.errors import UpwindError
from upwind.data.grids import UNTURNED, by, difference, onto, turned, turning
from upwind.data.naming import short_name
from upwind.data.volumes import Grid, Volume, canonical_view, read_stored
from upwind.data.voxels import MARKED, Header, read_header, read_positive, sound_grid


def read_mask(path: str | os.PathLike[str], ct: Grid, *, resample: bool = False) -> np.ndarray:
    """Where a method's mask is positive, as canonical bool (x, y, z) on the grid of the CT.

    ``resample`` brings a mask on another grid to the CT's by nearest neighbour. Raises UpwindError
    where it is on another and that is not asked for, and for a file that cannot be read.
    """
    header = read_header(Path(path))
    grid = sound_grid(header)
    if grid is None:
        raise UpwindError(
            f"{path} is no mask on a grid: it has the shape {by(header.shape)}, or an affine "
            "without sense; convert it again from the original"
        )
    stored = onto(read_positive(header), grid, ct, str(path), resample=resample)
    return canonical_view(stored, ct.affine)


def read_liver(path: str | os.PathLike[str], ct: Grid) -> np.ndarray:
    """The liver (labels 1 and 2, tumours included) of a data set's label, as canonical bool
    (x, y, z) on the grid of its CT. Raises UpwindError as :func:`label_turning` does."""
    header = read_header(Path(path))
    how, _ = label_turning(header, ct)
    return canonical_view(turned(read_positive(header, MARKED), how), ct.affine)


def read_label(path: str | os.PathLike[str], ct: Grid) -> Volume:
    """A data set's label as :func:`upwind.data.volumes.read_volume` reads its CT, on the CT's
    grid. Raises UpwindError as :func:`label_turning` does."""
    how, _ = label_turning(read_header(Path(path)), ct)
    stored, slope, intercept = read_stored(path)
    return Volume(canonical_view(turned(stored, how), ct.affine), ct, slope, intercept)


def label_note(path: str | os.PathLike[str], ct: Grid) -> str | None:
    """Which rule a data set's label is read by, where its header is not its CT's."""
    return label_turning(read_header(Path(path)), ct)[1]


def label_turning(header: Header, ct: Grid) -> tuple[np.ndarray, str | None]:
    """How a data set's label is turned into the order of its CT's voxels, and a note on which rule
    was taken where the two headers differ.

    Its own header, where both cover the same box; else, in an array of the same shape, the CT's.
    Raises UpwindError where neither can be.
    """
    grid, name = sound_grid(header), short_name(header.path)
    how = None if grid is None else turning(grid, ct)
    if grid is not None and how is not None:
        if np.array_equal(how, UNTURNED):
            return how, None
        return how, (
            f"{name} is stored in another order than its image ({grid.orientation} against "
            f"{ct.orientation}), and covers the same box: it is turned as its own header says."
        )
    words = "its own is singular or not finite" if grid is None else difference(ct, grid)
    if header.shape != ct.shape:
        if grid is None:
            words = f"shape {by(ct.shape)} against {by(header.shape)} voxels"
        raise UpwindError(
            f"{name} is on another grid than its image ({words}). Resample the label to the image, "
            "or find the right partner."
        )
    advice = ""
    if grid is not None and grid.orientation != ct.orientation:
        advice = " Make sure that the label is not mirrored."
    return UNTURNED, (
        f"{name} states another affine than its image ({words}); the image's is taken for both, as "
        f"the paper's authors do.{advice}"
    )
