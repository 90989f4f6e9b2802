"""Segmentations (NIfTI), by their voxels."""

import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from upwind.reproduction.difference import Difference, Part


def compare_masks(first: Path, second: Path) -> Difference:
    """How many voxels are in one mask and not in the other, and the DSC of the two. Raises
    ValueError or OSError for a file that is none."""
    (one, place), (other, other_place) = read_mask(first), read_mask(second)
    if one.shape != other.shape or not np.array_equal(place, other_place):
        return Difference("they are on other grids", [Part("grid", _grid(one), _grid(other))], 1)
    differing = int((one != other).sum())
    if not differing:
        return Difference("the same voxels, written otherwise", [Part("file", None, None)], 1)
    here, there = int(one.sum()), int(other.sum())
    dsc = 2 * int((one & other).sum()) / (here + there)
    summary = f"{differing:,} voxels differ, DSC between them {dsc:.4f}"
    return Difference(summary, [Part("voxels", str(here), str(there), float(differing))], 1)


def read_mask(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels of a mask (boolean, as in the file) and its affine matrix. Raises ValueError for a
    file that is no NIfTI, or cut short."""
    try:
        image = nib.Nifti1Image.from_filename(path)
        return np.asanyarray(image.dataobj) > 0, np.asarray(image.affine)
    except (ImageFileError, EOFError, HeaderDataError, WrapStructError) as error:
        raise ValueError(str(error)) from error


def mask_sha256(path: Path) -> str:
    """SHA-256 (hex) of a mask's shape and voxels, however the file is packed. Raises as
    :func:`read_mask`."""
    mask, _ = read_mask(path)
    return hashlib.sha256(f"{mask.shape}\n".encode() + mask.tobytes()).hexdigest()


def _grid(mask: np.ndarray) -> str:
    return "×".join(map(str, mask.shape))
