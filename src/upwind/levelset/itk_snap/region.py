"""The region of interest around a label, on an isotropic working grid, and the way back.

ITK-SNAP asks for a region of interest and lets its user resample it; both are done here.
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage

from upwind.common.errors import UpwindError
from upwind.common.tuples import triple

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Region:
    """A box of a canonical grid (x, y, z): slices ``box`` of an array of ``shape`` with
    ``spacing`` (mm), seen on an isotropic working grid of ``working_mm``."""

    shape: tuple[int, int, int]
    spacing: Triple
    box: tuple[slice, slice, slice]
    working_mm: float

    @property
    def working_shape(self) -> tuple[int, int, int]:
        """Shape of the working grid, which covers the box."""
        sizes = ((b.stop - b.start) * s for b, s in zip(self.box, self.spacing, strict=True))
        return triple(max(1, int(np.ceil(size / self.working_mm - 1e-6))) for size in sizes)

    def to_working(self, part: np.ndarray) -> np.ndarray:
        """``part``, an array of the box (already cut out), on the working grid as float32.

        Voxels finer than the working grid are averaged in whole bins first, so that the noise
        falls as it does in a thick slice; the rest is linear interpolation.
        """
        image = sitk.GetImageFromArray(np.ascontiguousarray(part.T, dtype=np.float32))
        image.SetSpacing(self.spacing)
        bins = [
            int(np.clip(self.working_mm // s, 1, n))
            for s, n in zip(self.spacing, part.shape, strict=True)
        ]
        image = sitk.BinShrink(image, bins) if max(bins) > 1 else image
        return _resample(image, self.working_shape, self._working_origin(), (self.working_mm,) * 3)

    def to_grid(self, level_set: np.ndarray) -> np.ndarray:
        """Where ``level_set`` (working grid, u > 0 inside) is positive on the original grid, by
        linear interpolation of u: a boolean array of the full ``shape``, False outside the box.

        The level set function, not its mask, is resampled: the contour keeps its place between
        voxels.
        """
        image = sitk.GetImageFromArray(np.ascontiguousarray(level_set.T, dtype=np.float32))
        image.SetSpacing((self.working_mm,) * 3)
        image.SetOrigin(self._working_origin())
        size = triple(b.stop - b.start for b in self.box)
        mask = np.zeros(self.shape, dtype=bool)
        mask[self.box] = _resample(image, size, (0.0, 0.0, 0.0), self.spacing) > 0
        return mask

    def _working_origin(self) -> Triple:
        # Both grids begin at the same corner; the origin is the centre of the first voxel, in mm
        # from the centre of the box's first voxel.
        return triple((self.working_mm - s) / 2 for s in self.spacing)


def region_around(
    label: np.ndarray, spacing: Triple, margin_mm: float, working_mm: float
) -> Region:
    """The bounding box of ``label`` (canonical, boolean) with ``margin_mm`` on every side, within
    the volume. Raises UpwindError where the label is empty."""
    found = ndimage.find_objects(label.astype(np.uint8, copy=False), max_label=1)[0]
    if found is None:
        raise UpwindError(
            "the label holds no liver voxel, so the level set operator has nothing to start in; "
            "leave the case out or mend its label"
        )
    box = []
    for part, length, size in zip(found, label.shape, spacing, strict=True):
        margin = int(np.ceil(margin_mm / size))
        box.append(slice(max(0, part.start - margin), min(length, part.stop + margin)))
    return Region(triple(label.shape), spacing, triple(box), working_mm)


def _resample(
    image: sitk.Image, size: tuple[int, int, int], origin: Triple, spacing: Triple
) -> np.ndarray:
    resampler = sitk.ResampleImageFilter()
    resampler.SetInterpolator(sitk.sitkLinear)
    resampler.SetUseNearestNeighborExtrapolator(True)  # half a voxel at the border of the box
    resampler.SetSize([int(n) for n in size])
    resampler.SetOutputOrigin(origin)
    resampler.SetOutputSpacing(spacing)
    resampler.SetNumberOfThreads(1)
    return sitk.GetArrayFromImage(resampler.Execute(image)).T
