"""One pass over the voxels of an image or a label, plane by plane, counting what a check needs."""

from dataclasses import dataclass, field

import numpy as np
from nibabel import orientations

from upwind.common.errors import UpwindError
from upwind.data.volumes import Grid
from upwind.data.voxels import Header, planes

# More distinct wrong label values than this are not collected, only counted.
_MAX_OTHER_VALUES = 100


@dataclass
class ImageScan:
    """Range of the finite values, counts of the others, and what stopped the reading, if any."""

    low: float | None = None
    high: float | None = None
    nan: int = 0
    infinite: int = 0
    damage: str | None = None


@dataclass
class LabelScan:
    """Voxels of each kind, which axial slices hold liver or tumour, and what stopped the
    reading, if any. ``other`` counts finite values that are not 0, 1 or 2."""

    liver_slices: np.ndarray
    liver: int = 0
    tumour: int = 0
    other: int = 0
    other_values: set[float] = field(default_factory=set)
    nan: int = 0
    infinite: int = 0
    damage: str | None = None


def scan_image(header: Header) -> ImageScan:
    """Scan an image's values."""
    scan = ImageScan()
    try:
        for plane in planes(header):
            finite = _finite(plane, scan)
            if finite.size:
                low, high = float(finite.min()), float(finite.max())
                scan.low = low if scan.low is None else min(scan.low, low)
                scan.high = high if scan.high is None else max(scan.high, high)
    except UpwindError as error:
        scan.damage = str(error)
    return scan


def scan_label(header: Header, grid: Grid | None) -> LabelScan:
    """Scan a label's values; ``grid`` says which stored axis runs from slice to slice (without
    one, ``liver_slices`` stays empty)."""
    axial = _axial_axis(grid) if grid else None
    slices = grid.shape[axial] if grid and axial is not None else 0
    scan = LabelScan(np.zeros(slices, dtype=bool))
    try:
        for index, plane in enumerate(planes(header)):
            marked = _count_labels(plane, scan)
            if axial == 2:
                scan.liver_slices[index] = marked.any()
            elif axial is not None:
                scan.liver_slices |= marked.any(axis=1 - axial)
    except UpwindError as error:
        scan.damage = str(error)
    return scan


def _axial_axis(grid: Grid) -> int:
    axes = orientations.io_orientation(grid.affine)[:, 0].astype(int)
    return int(np.flatnonzero(axes == 2)[0])


def _count_labels(plane: np.ndarray, scan: LabelScan) -> np.ndarray:
    """Add the plane's counts to ``scan``; where it is liver or tumour."""
    liver, tumour = plane == 1, plane == 2
    marked = liver | tumour
    scan.liver += int(liver.sum())
    scan.tumour += int(tumour.sum())
    known = marked | (plane == 0)
    if known.all():
        return marked
    strange = _finite(plane[~known], scan)
    scan.other += strange.size
    if strange.size and len(scan.other_values) < _MAX_OTHER_VALUES:
        scan.other_values.update(np.unique(strange)[:_MAX_OTHER_VALUES].tolist())
    return marked


def _finite(values: np.ndarray, scan: ImageScan | LabelScan) -> np.ndarray:
    """The finite values (the same array where all are), the others counted in ``scan``."""
    if values.dtype.kind != "f":
        return values
    finite = np.isfinite(values)
    if finite.all():
        return values
    nan = int(np.isnan(values).sum())
    scan.nan += nan
    scan.infinite += int(values.size - finite.sum()) - nan
    return values[finite]
