"""NIfTI volumes in canonical orientation, and the way back to the grid they came on.

Arrays here are canonical (RAS+, closest axes): shape (x, y, z), x to the patient's right, y to
anterior, z to superior. Two-dimensional slices are shown as radiologists see them: see
:func:`to_display`.
"""

import os
from dataclasses import dataclass
from typing import cast

import nibabel as nib
import numpy as np
from nibabel import orientations
from nibabel.arrayproxy import ArrayProxy

from upwind.common.errors import UpwindError
from upwind.common.files import atomic_path
from upwind.common.tuples import triple

_PIECE = 1 << 20  # bytes
_CANONICAL = orientations.axcodes2ornt(("R", "A", "S"))


@dataclass(frozen=True)
class Grid:
    """Where a volume's voxels lie: the shape and affine (mm) that its file states."""

    shape: tuple[int, int, int]
    affine: np.ndarray

    @property
    def orientation(self) -> str:
        """Axis codes of the stored array, for example ``LPS``."""
        return "".join(nib.aff2axcodes(self.affine))

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Canonical voxel size (x, y, z) in mm."""
        sizes = nib.affines.voxel_sizes(self.affine)
        codes = orientations.io_orientation(self.affine)[:, 0].astype(int)
        return triple(float(sizes[np.flatnonzero(codes == axis)[0]]) for axis in range(3))

    @property
    def canonical_shape(self) -> tuple[int, int, int]:
        """Shape (x, y, z) after canonical reorientation."""
        codes = orientations.io_orientation(self.affine)[:, 0].astype(int)
        return triple(int(self.shape[np.flatnonzero(codes == axis)[0]]) for axis in range(3))

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in ml, of a sheared grid too (a tilted gantry)."""
        x, y, z = self.affine[:3, :3].T
        # Not by LAPACK, which rounds otherwise on other processors.
        return abs(float((np.cross(x, y) * z).sum())) / 1000


@dataclass(frozen=True)
class Volume:
    """A volume in canonical orientation. ``array`` holds stored values (a view, not rescaled);
    ``values = array * slope + intercept`` (HU for an image)."""

    array: np.ndarray
    grid: Grid
    slope: float
    intercept: float

    def values(self, part: slice | int = slice(None)) -> np.ndarray:
        """Values (HU or labels) of axial slices ``part``: the stored dtype where no scaling is
        stated, float32 otherwise."""
        return rescale(self.array[:, :, part], self.slope, self.intercept)


def rescale(stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Values of stored numbers: unchanged where no scaling is stated, float32 otherwise."""
    if slope == 1.0 and intercept == 0.0:
        return stored
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def read_grid(path: str | os.PathLike[str]) -> Grid:
    """Shape and affine from the header alone."""
    image = _load(path)
    return Grid(triple(int(n) for n in image.shape), np.asarray(image.affine, dtype=float))


def read_volume(path: str | os.PathLike[str]) -> Volume:
    """Read a 3-D NIfTI file without rescaling (one copy in memory, in the stored dtype) and view
    it in the closest canonical orientation, as the authors do before anything else [code]."""
    stored, slope, intercept = read_stored(path)
    grid = read_grid(path)
    return Volume(canonical_view(stored, grid.affine), grid, slope, intercept)


def read_stored(path: str | os.PathLike[str]) -> tuple[np.ndarray, float, float]:
    """A 3-D NIfTI file's array in the order and type that are stored, its slope and intercept."""
    image = _load(path)
    proxy = proxy_of(image)
    stored = _unzipped(image) if str(path).lower().endswith(".gz") else _mapped(image)
    return stored, float(proxy.slope), float(proxy.inter)


def proxy_of(image: nib.Nifti1Image) -> ArrayProxy:
    """What stands for the voxels of an image that was loaded from a file."""
    return cast(ArrayProxy, image.dataobj)


def _load(path: str | os.PathLike[str]) -> nib.Nifti1Image:
    image = nib.load(path)
    if not isinstance(image, nib.Nifti1Image):
        raise UpwindError(f"{path} is {type(image).__name__}, not NIfTI: convert it")
    if len(image.shape) != 3:
        raise UpwindError(f"{path} has shape {image.shape}, not three axes: extract one volume")
    return image


def _mapped(image: nib.Nifti1Image) -> np.ndarray:
    return np.asanyarray(proxy_of(image).get_unscaled())


def _unzipped(image: nib.Nifti1Image) -> np.ndarray:
    """The stored array of a compressed file, read in pieces: nibabel holds it twice."""
    proxy = proxy_of(image)
    stored = np.empty(proxy.shape, proxy.dtype, order="F")
    into, done = stored.reshape(-1, order="F").view(np.uint8).data, 0
    with image.file_map["image"].get_prepare_fileobj("rb") as file:
        file.seek(proxy.offset)
        while done < len(into):
            count = file.readinto(into[done : done + _PIECE])
            if not count:
                raise UpwindError(
                    f"{image.get_filename()} is truncated: {done:,} of {len(into):,} bytes of "
                    "voxels are there; download or convert it again"
                )
            done += count
    return stored


def canonical_view(stored: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """View a stored array, placed by ``affine``, in the closest canonical orientation."""
    codes = orientations.io_orientation(affine)
    return orientations.apply_orientation(stored, orientations.ornt_transform(codes, _CANONICAL))


def write_mask(path: str | os.PathLike[str], canonical: np.ndarray, grid: Grid) -> None:
    """Write a canonical mask or label (x, y, z) as uint8 NIfTI on ``grid``, the grid of the CT it
    belongs to, atomically."""
    write_stored(path, as_stored(canonical.astype(np.uint8, copy=False), grid), grid.affine)


def as_stored(canonical: np.ndarray, grid: Grid) -> np.ndarray:
    """View a canonical array (x, y, z) with its axes as the file of ``grid`` has them."""
    back = orientations.ornt_transform(_CANONICAL, orientations.io_orientation(grid.affine))
    stored = orientations.apply_orientation(canonical, back)
    if stored.shape != grid.shape:
        raise ValueError(f"an array of shape {stored.shape} does not fit the grid {grid.shape}")
    return stored


def write_stored(path: str | os.PathLike[str], stored: np.ndarray, affine: np.ndarray) -> None:
    """Write an array as it is to be stored, in its own type, as NIfTI in mm, atomically. The same
    array gives the same bytes: nibabel writes gzip without time or name."""
    image = nib.Nifti1Image(stored, affine, dtype=stored.dtype)
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def to_display(canonical: np.ndarray) -> np.ndarray:
    """View a canonical array (x, y, z) as slices (slice, row, column) in the radiological
    display: row 0 anterior, column 0 the patient's right, slice 0 inferior."""
    return canonical[::-1, ::-1, :].transpose(2, 1, 0)


def from_display(slices: np.ndarray) -> np.ndarray:
    """Inverse of :func:`to_display`: (slice, row, column) to canonical (x, y, z), as a view."""
    return slices.transpose(2, 1, 0)[::-1, ::-1, :]
