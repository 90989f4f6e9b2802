"""Axial slices of one case, resampled in plane for the networks, one file a case.

A slices file is a safetensors file (readable in parts, no pickle) with the tensors

- ``image``  (slices, size, size) int16, HU
- ``label``  (slices, size, size) uint8, 0 background, 1 liver, 2 tumour
- ``liver_bearing`` (slices,) uint8, 1 where the *original* slice lies inside the liver's extent

in radiological display order (:func:`upwind.data.volumes.to_display`), and a JSON header with the
case number and the grid to return to.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from upwind.common.errors import UpwindError
from upwind.common.files import atomic_path
from upwind.data.labels import read_label
from upwind.data.volumes import Grid, Volume, from_display, read_volume, to_display
from upwind.data.voxels import MARKED


@dataclass(frozen=True)
class Slices:
    """A case as the networks see it. See the module's docstring for shapes and units."""

    case: int
    grid: Grid
    image: np.ndarray
    label: np.ndarray
    liver_bearing: np.ndarray


def nearest_indices(length: int, resampled: int) -> np.ndarray:
    """For each of ``resampled`` equal cells along an axis, the index of the voxel (of ``length``)
    whose cell holds its centre: nearest neighbour with cells aligned at the image's borders, as in
    the authors' skimage resize of order 0."""
    centres = (np.arange(resampled) + 0.5) * (length / resampled)
    return np.minimum(np.floor(centres).astype(np.intp), length - 1)


def resample_slice(plane: np.ndarray, size: int) -> np.ndarray:
    """(rows, columns) to (size, size) by nearest neighbour."""
    rows, columns = (nearest_indices(n, size) for n in plane.shape)
    return plane[np.ix_(rows, columns)]


def return_to_grid(slices: np.ndarray, grid: Grid) -> np.ndarray:
    """Resampled slices (slice, size, size) back to ``grid`` by nearest neighbour: canonical
    (x, y, z)."""
    width, height, depth = grid.canonical_shape
    if slices.shape[0] != depth:
        raise ValueError(f"{slices.shape[0]} slices do not fit a grid of {depth}")
    returning = np.ix_(
        nearest_indices(slices.shape[1], height), nearest_indices(slices.shape[2], width)
    )
    returned = np.empty((depth, height, width), slices.dtype)
    for whole, small in zip(returned, slices, strict=True):
        whole[:] = small[returning]
    return from_display(returned)


def liver_extent(label: Volume) -> np.ndarray:
    """(slices,) bool: axial slices from the first to the last that holds liver (label 1 or 2): the
    slices inside the liver's bounding box, which the authors train on [code]."""
    depth = label.array.shape[2]
    bearing = np.array([bool((label.values(z) > MARKED).any()) for z in range(depth)])
    found = np.flatnonzero(bearing)
    if found.size:
        bearing[found[0] : found[-1] + 1] = True
    return bearing


def resample_volume(volume: Volume, size: int, dtype: type[np.integer]) -> np.ndarray:
    """Every axial slice of ``volume`` as (slices, size, size) of ``dtype``. One slice is held in
    full at a time, so memory stays near the stored volume's own size."""
    depth = volume.array.shape[2]
    result = np.empty((depth, size, size), dtype)
    limits = np.iinfo(dtype)
    for z in range(depth):
        plane = to_display(volume.values(slice(z, z + 1)))[0]
        small = resample_slice(plane, size)
        result[z] = np.clip(np.rint(small), limits.min, limits.max)
    return result


def slice_case(case: int, image_path: Path, label_path: Path, image_size: int) -> Slices:
    """Read a checked case and resample it. The grid is the image's."""
    image = read_volume(image_path)
    small_image = resample_volume(image, image_size, np.int16)
    grid = image.grid
    del image  # the CT is freed before the label is read: peak memory is one volume, not two
    label = read_label(label_path, grid)
    return Slices(
        case=case,
        grid=grid,
        image=small_image,
        label=resample_volume(label, image_size, np.uint8),
        liver_bearing=liver_extent(label).astype(np.uint8),
    )


def write_slices(path: str | os.PathLike[str], slices: Slices) -> None:
    """Write a slices file atomically."""
    header = {
        "case": slices.case,
        "shape": list(slices.grid.shape),
        "affine": slices.grid.affine.tolist(),
    }
    arrays = {name: np.ascontiguousarray(getattr(slices, name)) for name in _TENSORS}
    with atomic_path(path) as temporary:
        save_file(arrays, temporary, metadata={"upwind": json.dumps(header)})


def read_slices(path: str | os.PathLike[str], keep: np.ndarray | None = None) -> Slices:
    """Read a slices file; ``keep`` (indices of slices) reads only those of ``image`` and
    ``label``."""
    try:
        with safe_open(path, framework="numpy") as file:
            case, grid = _header(file.metadata() or {})
            arrays = {name: _read(file, name, keep) for name in _TENSORS}
    except Exception as error:  # safetensors raises its own types for damaged files
        raise UpwindError(
            f"{path} is not a readable slices file ({error}); delete it and run again"
        ) from error
    return Slices(case=case, grid=grid, **arrays)


def read_liver_slices(path: str | os.PathLike[str]) -> tuple[int, list[int]]:
    """Case number and indices of the liver-bearing slices, without reading any slice."""
    slices = read_slices(path, keep=np.empty(0, int))
    return slices.case, np.flatnonzero(slices.liver_bearing).tolist()


_TENSORS = ("image", "label", "liver_bearing")


def _header(metadata: dict[str, str]) -> tuple[int, Grid]:
    try:
        header = json.loads(metadata["upwind"])
        return header["case"], Grid(tuple(header["shape"]), np.array(header["affine"]))
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError("it has no header with a case and its grid") from error


def _read(file: safe_open, name: str, keep: np.ndarray | None) -> np.ndarray:
    if keep is None or name == "liver_bearing":
        return file.get_tensor(name)
    part = file.get_slice(name)
    return np.concatenate([part[0:0], *(part[int(z) : int(z) + 1] for z in keep)])
