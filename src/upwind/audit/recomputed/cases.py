"""One case made again from its volumes: its scores, its slices and what ``cases.csv`` says of it.

Definitions are those of LiTS and of the paper, the code is the audit's own, and the library is
another than the pipeline's: SimpleITK reads NIfTI and measures distances.

Tolerances: counts of voxels and slices must agree exactly, DSC to the last bits of a double.
Distances may differ by ``DISTANCE_MM``: SimpleITK's maps are in single precision (6e-8 of at most
some 500 mm), and so are the spacings that files state; a wrong voxel would show as a tenth of a
millimetre. NSD may count the voxels whose distance is as near as that to its tolerance, or not.
Volumes in ml and spacings may differ by the share ``SPACING``, for the same reason.
"""

import hashlib
import math
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from upwind.audit.recomputed.numbers import CLOSE, same
from upwind.audit.recomputed.tensors import read_tensors

DISTANCE_MM = 1e-3
FAT_BELOW = -30  # HU
SAME_BOX = 0.1  # voxels by which a corner may be off
SAME_SIZE = 0.01  # share by which two statements of a voxel's size may differ
SPACING = 1e-5
_SPACINGS = ("spacing_x_mm", "spacing_y_mm", "spacing_z_mm")
_DISTANCES = ("hd95_mm", "hd95_max_mm", "assd_mm")
_REPORTED = ("liver_mm",)  # by a case's own report alone
_VOLUMES = ("mask_ml", "label_ml", "volume_difference_ml", "liver_ml", "tumour_ml")
_TOLERANCE = {
    **dict.fromkeys(_DISTANCES, DISTANCE_MM),
    **dict.fromkeys((*_VOLUMES, *_SPACINGS, *_REPORTED, "diagonal_mm"), SPACING),
}
# A number, or a range within which it lies.
Expected = float | tuple[float, float]


@dataclass(frozen=True)
class Task:
    """What to make again of one case. ``scores`` are rows, each with the table that it stands in
    (``scores.csv``, ``seeds.csv``) and the file of its segmentation; ``tolerances`` (mm) are those
    of NSD; ``heldout`` are the held-out slices by fold; ``report`` is the row of ``cases.csv``.
    ``slices`` is the file of the resampled slices. Paths of files are below ``folder``, but for the
    raw ``image`` and ``label``. ``liver_mm`` is what the case's own report says, if that counts."""

    case: int
    image: Path
    label: Path
    folder: Path
    slices: str
    report: Mapping[str, str]
    scores: list[tuple[str, Mapping[str, str], str]]
    tolerances: Sequence[float]
    heldout: Mapping[str, list[int]]
    liver_mm: str | None = None


@dataclass(frozen=True)
class VoxelSize:
    """Edges (x, y, z) of a voxel in mm, and its volume in ml, which is less than their product
    where the axes are not at right angles."""

    spacing: tuple[float, float, float]
    ml: float


@dataclass(frozen=True)
class Remade:
    """What came of a task: files below the results with what is wrong in each, how many things of
    each sort were looked at, and a digest of the image's shape and voxels (empty where it could not
    be read)."""

    wrong: list[tuple[str, str]]
    counts: Mapping[str, int]
    image: str = ""


def remake(task: Task) -> Remade:
    """Make a case again and compare. What cannot be read counts as wrong."""
    wrong: list[tuple[str, str]] = []
    counts: Counter[str] = Counter()
    digest = ""
    try:
        ct = read_volume(task.image)
        image, label = upright(ct), upright_label(task.label, ct)
        hu, size = sitk.GetArrayFromImage(image), VoxelSize(image.GetSpacing(), voxel_ml(ct))
        digest = hashlib.sha256(f"{hu.shape}".encode() + hu.astype("<f4").tobytes()).hexdigest()
        # Whole numbers, whatever a scaling made of them.
        labels = np.rint(sitk.GetArrayFromImage(label))
        wrong += _report(task, hu, labels, size, sizes_known(ct))
        wrong += _slices(task, hu, labels)
        counts.update({"cases": 1, "resampled_slices": len(hu)})
        for table, row, path in task.scores:
            mask = sitk.GetArrayFromImage(upright_mask(task.folder / path, ct)) > 0
            heldout = task.heldout.get(row["fold"], ())
            expected = scores(mask, labels > 0, size, row["subset"], heldout, task.tolerances)
            keys = ("method", "fold", "case", "subset", "seed")
            name = " ".join(row[key] for key in keys if key in row)
            wrong += _differences(table, name, row, expected, path)
            counts["scores"] += len(expected)
    except (OSError, ValueError, LookupError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1:]
        wrong.append(("scores.csv", f"case {task.case} cannot be made again: {reason}"))
    return Remade(wrong, counts, digest)


def read_volume(path: str | os.PathLike[str]) -> sitk.Image:
    """A volume as stored. Raises RuntimeError for what is no such volume."""
    # Many files state axes that are not quite at right angles; ITK refuses them otherwise.
    os.environ["ITK_NIFTI_SFORM_PERMISSIVE"] = "1"
    return sitk.ReadImage(os.fspath(path))


def voxel_ml(image: sitk.Image) -> float:
    """A voxel's volume in ml, of a volume as stored. ITK makes right angles of the axes that a file
    states; its metadata has them as they are, to six digits."""
    if int(image.GetMetaData("sform_code")) > 0:
        rows = [image.GetMetaData(f"srow_{axis}").split()[:3] for axis in "xyz"]
        return abs(float(np.linalg.det(np.array(rows, float)))) / 1000
    return math.prod(image.GetSpacing()) / 1000


def sizes_known(image: sitk.Image) -> bool:
    """Does the header of a volume as stored state the sizes of a voxel, and state them once?"""
    sizes = np.abs([float(image.GetMetaData(f"pixdim[{axis}]")) for axis in (1, 2, 3)])
    if int(image.GetMetaData("sform_code")) > 0:
        rows = np.array([image.GetMetaData(f"srow_{axis}").split() for axis in "xyz"], float)
        edges = np.linalg.norm(rows[:, :3], axis=0)
        return not np.array_equal(rows, np.eye(4)[:3]) and _are_same(sizes, edges)
    says_nothing = (
        int(image.GetMetaData("qform_code")) > 0
        and image.GetDirection() == (-1, 0, 0, 0, -1, 0, 0, 0, 1)  # ITK's x and y go the other way
        and not any(image.GetOrigin())
        and np.array_equal(sizes, np.ones(3))
    )
    return not says_nothing


def _are_same(sizes: np.ndarray, others: np.ndarray) -> bool:
    return bool((np.abs(sizes - others) <= SAME_SIZE * others).all())


def upright(image: sitk.Image) -> sitk.Image:
    """A volume with x to the patient's left, y to the back and z upwards: as an array, slices from
    the feet up, rows from front to back, columns from the patient's right to the left."""
    return sitk.DICOMOrient(image, "LPS")


def upright_label(path: str | os.PathLike[str], ct: sitk.Image) -> sitk.Image:
    """A data set's label, upright: where it says itself, if that is the box of its ``ct`` (as
    stored); else where the CT lies, in an array of the same shape. Raises ValueError where it can
    be neither."""
    label = read_volume(path)
    if not _same_box(upright(label), upright(ct)):
        if label.GetSize() != ct.GetSize():
            raise ValueError(f"{os.fspath(path)} is on another grid than its CT")
        label.CopyInformation(ct)
    return upright(label)


def upright_mask(path: str | os.PathLike[str], ct: sitk.Image) -> sitk.Image:
    """A mask, upright. Raises ValueError where it is not in the box of its ``ct`` (as stored)."""
    mask = upright(read_volume(path))
    if not _same_box(mask, upright(ct)):
        raise ValueError(f"{os.fspath(path)} is on another grid than its CT")
    return mask


def _same_box(one: sitk.Image, other: sitk.Image) -> bool:
    """Do two upright volumes have the same voxels at the same places, in every corner?"""
    if one.GetSize() != other.GetSize():
        return False
    corners = list(product(*((0, size - 1) for size in one.GetSize())))
    places = [one.TransformIndexToPhysicalPoint(corner) for corner in corners]
    found = [other.TransformPhysicalPointToContinuousIndex(place) for place in places]
    return float(np.abs(np.subtract(found, corners)).max()) <= SAME_BOX


def scores(
    mask: np.ndarray,
    label: np.ndarray,
    size: VoxelSize,
    subset: str,
    heldout: Collection[int] = (),
    tolerances: Collection[float] = (),
) -> dict[str, Expected]:
    """A row of scores of two bool masks (slice, row, column), of voxels of ``size``.

    ``unseen`` is the whole volume, ``unseen_liver`` the slices from the first to the last with
    liver, ``heldout`` the slices of that list. Undefined values are NaN.
    """
    if subset == "heldout":
        mask, label = mask[list(heldout)], label[list(heldout)]
    elif subset == "unseen_liver":
        first, last = _extent(label)
        mask, label = mask[first:last], label[first:last]
    both, in_mask, in_label = (int(np.sum(m)) for m in (mask & label, mask, label))
    mask_ml, label_ml = in_mask * size.ml, in_label * size.ml
    row: dict[str, Expected] = {
        "dsc": 2 * both / (in_mask + in_label) if in_mask + in_label else math.nan,
        "overlap_voxels": both,
        "mask_voxels": in_mask,
        "label_voxels": in_label,
        "mask_ml": mask_ml,
        "label_ml": label_ml,
        "volume_difference_ml": mask_ml - label_ml,
        "volume_difference_percent": 100 * (in_mask / in_label - 1) if in_label else math.nan,
    }
    if subset != "unseen":
        names = (*_DISTANCES, *map(_nsd, tolerances), "diagonal_mm")
        return row | dict.fromkeys(names, math.nan)
    length = math.dist((0, 0, 0), np.multiply(mask.shape[::-1], size.spacing))
    ways = surface_distances(mask, label, size.spacing)
    return row | _of_borders(ways, tolerances, in_mask + in_label) | {"diagonal_mm": length}


def _of_borders(
    ways: tuple[np.ndarray, np.ndarray], tolerances: Collection[float], voxels: int
) -> dict[str, Expected]:
    """Scores of the distances of both ways; of no distances, whether there are ``voxels`` at all
    decides."""
    distances = np.concatenate(ways)
    if len(distances) == 0:
        missed = 0.0 if voxels else math.nan
        undefined: dict[str, Expected] = dict.fromkeys(_DISTANCES, math.nan)
        return undefined | dict.fromkeys(map(_nsd, tolerances), missed)
    return {
        # Both ways together, as in LiTS' evaluation; and the larger of them.
        "hd95_mm": float(np.percentile(distances, 95)),
        "hd95_max_mm": max(float(np.percentile(way, 95)) for way in ways),
        "assd_mm": float(distances.mean()),
        **{_nsd(tolerance): _near(distances, tolerance) for tolerance in tolerances},
    }


def _nsd(tolerance: float) -> str:
    return f"nsd_{tolerance:g}mm"


def _near(distances: np.ndarray, tolerance: float) -> tuple[float, float]:
    """The share of distances within a tolerance, give or take what is at it."""
    low, high = (float(np.mean(distances <= tolerance + d)) for d in (-DISTANCE_MM, DISTANCE_MM))
    return low, high


def surface_distances(
    mask: np.ndarray, label: np.ndarray, spacing: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Distance (mm) of each border voxel of the mask to the nearest of the label, and the other way
    round; none where one of them is empty. A border voxel has a face in common with one outside."""
    if not (mask.any() and label.any()):
        return np.empty(0), np.empty(0)
    box = tuple(slice(low, high) for low, high in _box(mask | label))
    one, other = _border(mask[box]), _border(label[box])
    return _map_of(other, spacing)[one], _map_of(one, spacing)[other]


def _map_of(border: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Distance (mm) of every voxel to the nearest of ``border``."""
    # With a voxel of background around: ITK measures to where object and background meet.
    image = sitk.GetImageFromArray(np.pad(border, 1).astype(np.uint8))
    image.SetSpacing(spacing)
    # Negative inside; a border is too thin to have an inside, so that it is at 0 itself.
    distances = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    return np.maximum(sitk.GetArrayFromImage(distances)[1:-1, 1:-1, 1:-1], 0)


def _border(mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask, 1)
    inside = mask.copy()
    for axis in range(3):
        for shift in (0, 2):
            window = [slice(1, -1)] * 3
            window[axis] = slice(shift, shift + mask.shape[axis])
            inside &= padded[tuple(window)]
    return mask & ~inside


def _box(mask: np.ndarray) -> Iterator[tuple[int, int]]:
    for axis in range(mask.ndim):
        yield _extent(np.moveaxis(mask, axis, 0))


def _extent(mask: np.ndarray) -> tuple[int, int]:
    """First index along axis 0 that holds anything, and the one after the last; 0, 0 for none."""
    held = np.flatnonzero(mask.reshape(len(mask), -1).any(axis=1))
    return (int(held[0]), int(held[-1]) + 1) if held.size else (0, 0)


def _report(
    task: Task, hu: np.ndarray, labels: np.ndarray, size: VoxelSize, known: bool
) -> Iterator[tuple[str, str]]:
    depth, height, width = hu.shape
    inside = np.clip(np.rint(hu[labels > 0]), -1024, 3071)
    expected = {
        "size_x": width,
        "size_y": height,
        "slices": depth,
        **dict(zip(_SPACINGS, size.spacing, strict=True)),
        "hu_min": float(hu.min()),
        "hu_max": float(hu.max()),
        "liver_slices": int((labels > 0).any(axis=(1, 2)).sum()),
        "liver_ml": int((labels > 0).sum()) * size.ml,
        "tumour_ml": int((labels == 2).sum()) * size.ml,
        # In whole HU, of 12 bits.
        "liver_hu": float(np.median(inside)) if inside.size else math.nan,
        "fat_or_air": float(np.mean(inside < FAT_BELOW)) if inside.size else math.nan,
    }
    name, source = f"case {task.case}", "the volumes"
    yield from _differences("cases.csv", name, task.report, expected, source)
    if task.report["sizes_known"] != str(known):
        stated = task.report["sizes_known"] or "empty"
        yield "cases.csv", f"{name}: sizes_known is {stated} there and {known} by {source}"
    if task.liver_mm is not None:
        reach = zip(_box(labels > 0), size.spacing[::-1], strict=True)
        thickness = min((high - low) * mm for (low, high), mm in reach)
        path = f"cases/case-{task.case}.json"
        said = {"liver_mm": task.liver_mm}
        yield from _differences(path, name, said, {"liver_mm": thickness}, source)


def _slices(task: Task, hu: np.ndarray, labels: np.ndarray) -> Iterator[tuple[str, str]]:
    stored = read_tensors(task.folder / task.slices)
    limits = np.iinfo(np.int16)
    for name, volume in (
        ("image", np.clip(np.rint(hu), limits.min, limits.max)),
        ("label", labels),
    ):
        if not _resampled(volume, stored[name]):
            yield task.slices, f"its {name} is not the raw volume, resampled"
    bearing = np.zeros(len(labels), bool)
    bearing[slice(*_extent(labels > 0))] = True
    if not np.array_equal(stored["liver_bearing"] > 0, bearing):
        yield task.slices, "slices that bear liver are others than in the label"


def _resampled(volume: np.ndarray, small: np.ndarray) -> bool:
    """Is ``small`` the nearest neighbour in plane? Where a pixel's centre lies on the border of two
    voxels, the upper one is meant, and the lower one put up with if rounding gives it."""
    height, width, size = *volume.shape[1:], small.shape[1]
    for nearest in (nearest_voxels, _nearest_as_rounded):
        rows, columns = nearest(height, size), nearest(width, size)
        if np.array_equal(volume[:, rows][:, :, columns], small):
            return True
    return False


def nearest_voxels(length: int, size: int) -> np.ndarray:
    """The voxel (of ``length``) under the centre of each of ``size`` pixels, in whole numbers."""
    return (2 * np.arange(size) + 1) * length // (2 * size)


def _nearest_as_rounded(length: int, size: int) -> np.ndarray:
    return ((np.arange(size) + 0.5) * (length / size)).astype(int)


def _differences(
    path: str, name: str, row: Mapping[str, str], expected: Mapping[str, Expected], source: str
) -> Iterator[tuple[str, str]]:
    for column, value in expected.items():
        low, high = value if isinstance(value, tuple) else (value, value)
        tolerance = _TOLERANCE.get(column, CLOSE)
        if not (same(row[column], low, tolerance) or _between(row[column], low, high)):
            yield path, f"{name}: {column} is {row[column]} there and {low:.10g} by {source}"


def _between(text: str, low: float, high: float) -> bool:
    try:
        return low <= float(text) <= high
    except ValueError:
        return False
