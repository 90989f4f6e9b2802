"""One pass over the voxels of an image or a label, plane by plane, counting what a check needs."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from nibabel import orientations
from nibabel.affines import voxel_sizes

from upwind.common.errors import UpwindError
from upwind.common.tuples import triple
from upwind.data.grids import turned
from upwind.data.volumes import Grid
from upwind.data.voxels import Header, planes

# More distinct wrong label values than this are not collected, only counted.
_MAX_OTHER_VALUES = 100
# Labels 0, 1 and 2 stored as scaled numbers come back up to 0.004 off in 8 bits, 0.00002 in 16.
LABEL_TOLERANCE = 0.01
# HU that are told apart inside a label: 12 bits, as scanners have; the rest counts at the ends.
_LOWEST, _HIGHEST = -1024, 3071
_WORD = 64  # bits of a digest


class Marks:
    """Where a label is liver: a bit a voxel, in the order that its array is stored in."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._bits = np.zeros((-(-shape[0] // 8), *shape[1:]), np.uint8, order="F")

    def put(self, index: int, plane: np.ndarray) -> None:
        """Keep a stored plane."""
        self._bits[:, :, index] = np.packbits(plane, axis=0)

    def plane(self, index: int, how: np.ndarray) -> np.ndarray:
        """A plane of the array that is turned as ``how`` says (:func:`grids.turning`), bool."""
        along = int(np.flatnonzero(how[:, 0] == 2)[0])
        if how[along, 1] < 0:
            index = self._shape[along] - 1 - index
        if along == 0:
            stored = self._bits[index // 8] >> (7 - index % 8) & 1
        else:
            packed = self._bits[:, index] if along == 1 else self._bits[:, :, index]
            stored = np.unpackbits(packed, axis=0, count=self._shape[0])
        return turned(stored, np.delete(how, along, axis=0)).view(bool)


@dataclass
class ImageScan:
    """Range of the finite values, counts of the others, and what stopped the reading, if any.

    ``inside`` counts the HU in the label (:func:`hu_inside` reads it). ``digest`` is the same for
    the same voxels (rounded to whole HU), in whatever order, type or compression they are stored.
    """

    low: float | None = None
    high: float | None = None
    nan: int = 0
    infinite: int = 0
    inside: np.ndarray = field(
        default_factory=lambda: np.zeros(_HIGHEST - _LOWEST + 1, dtype=np.int64)
    )
    digest: str | None = None
    damage: str | None = None


@dataclass
class LabelScan:
    """Voxels of each kind, where liver or tumour is, and what stopped the reading, if any.
    ``bearing`` says along each stored axis which planes hold any; ``other`` counts finite values
    that are not 0, 1 or 2."""

    marks: Marks
    bearing: tuple[np.ndarray, np.ndarray, np.ndarray]
    liver: int = 0
    tumour: int = 0
    other: int = 0
    other_values: set[float] = field(default_factory=set)
    nan: int = 0
    infinite: int = 0
    damage: str | None = None

    def liver_slices(self, grid: Grid) -> np.ndarray:
        """Which axial slices hold liver, bool, in the order in which they are stored."""
        return self.bearing[_axial_axis(grid)]

    def thickness(self, grid: Grid) -> float:
        """How far the liver reaches along the axis along which it reaches least, mm; 0 without
        any."""
        sizes = voxel_sizes(grid.affine)
        return min(_span(found) * float(mm) for found, mm in zip(self.bearing, sizes, strict=True))


def scan_image(
    header: Header, grid: Grid | None, marks: tuple[Marks, np.ndarray] | None = None
) -> ImageScan:
    """Scan an image's values. Without a ``grid`` there is no digest; ``marks`` are those of its
    label, and how its array is turned into the image's."""
    scan = ImageScan()
    digest = _Digest(grid) if grid else None
    try:
        for index, plane in enumerate(planes(header)):
            finite = _finite(plane, scan)
            if finite.size:
                low, high = float(finite.min()), float(finite.max())
                scan.low = low if scan.low is None else min(scan.low, low)
                scan.high = high if scan.high is None else max(scan.high, high)
            if digest:
                digest.add(index, plane)
            if marks:
                stored, how = marks
                scan.inside += _histogram(plane[stored.plane(index, how)])
    except UpwindError as error:
        scan.damage = str(error)
    scan.digest = digest.text() if digest and not scan.damage else None
    return scan


def scan_label(header: Header, grid: Grid | None) -> LabelScan:
    """Scan a label's values; without a ``grid`` nothing is known of where its liver is."""
    shape = triple((*header.shape, 1, 1)[:3])
    rows, columns, planes_with = (np.zeros(count, bool) for count in shape)
    scan = LabelScan(Marks(shape), (rows, columns, planes_with))
    try:
        for index, plane in enumerate(planes(header)):
            marked = _count_labels(plane, scan)
            if grid:
                scan.marks.put(index, marked)
                planes_with[index] = marked.any()
            if grid and planes_with[index]:
                rows |= marked.any(axis=1)
                columns |= marked.any(axis=0)
    except UpwindError as error:
        scan.damage = str(error)
    return scan


def hu_inside(counts: np.ndarray, below: float) -> tuple[float, float] | None:
    """Median of the HU that ``counts`` are of (:class:`ImageScan`), and the share of those under
    ``below``; None where nothing was counted."""
    total, upto = int(counts.sum()), counts.cumsum()
    if not total:
        return None
    middle = np.searchsorted(upto, [(total - 1) // 2, total // 2], side="right")
    return float(middle.mean()) + _LOWEST, int(upto[int(below) - _LOWEST - 1]) / total


class _Digest:
    """A sum of all voxels, each times a fixed number for each of its canonical coordinates, modulo
    2^64 (multilinear hashing, Carter and Wegman): plane by plane in any order, and chance makes it
    equal for different volumes about once in 2^64."""

    def __init__(self, grid: Grid) -> None:
        self._shape, self._sum = grid.canonical_shape, 0
        self._weights = [
            _numbers(int(axis), count)[:: int(flip)]
            for (axis, flip), count in zip(
                orientations.io_orientation(grid.affine), grid.shape, strict=True
            )
        ]

    def add(self, index: int, plane: np.ndarray) -> None:
        """Add a stored plane."""
        rows, columns, slices = self._weights
        whole = _whole(plane).view(np.uint64)
        self._sum += int((rows @ whole * columns).sum()) * int(slices[index])

    def text(self) -> str:
        """The sum, with the shape."""
        return f"{'x'.join(map(str, self._shape))}-{self._sum % 2**_WORD:016x}"


def _numbers(axis: int, count: int) -> np.ndarray:
    """Odd 64-bit numbers for the coordinates along an axis, the same everywhere and always."""
    drawn = hashlib.shake_128(b"axis %d" % axis).digest(count * _WORD // 8)
    return np.frombuffer(drawn, "<u8").astype(np.uint64) | np.uint64(1)


def _histogram(hu: np.ndarray) -> np.ndarray:
    counted = _whole(hu).clip(_LOWEST, _HIGHEST) - _LOWEST
    return np.bincount(counted, minlength=_HIGHEST - _LOWEST + 1)


def _whole(values: np.ndarray) -> np.ndarray:
    """Rounded to int64, of at most 32 bits; 0 for NaN."""
    if values.dtype.kind == "f":
        values = np.nan_to_num(np.rint(values.astype(np.float64))).clip(-(2**31), 2**31)
    return values.astype(np.int64)


def _span(found: np.ndarray) -> int:
    """From the first True to the last, both counted."""
    where = np.flatnonzero(found)
    return int(where[-1] - where[0]) + 1 if where.size else 0


def _axial_axis(grid: Grid) -> int:
    axes = orientations.io_orientation(grid.affine)[:, 0].astype(int)
    return int(np.flatnonzero(axes == 2)[0])


def _settled(plane: np.ndarray) -> np.ndarray:
    """Labels with their rounding taken back: whole numbers to within the tolerance."""
    if plane.dtype.kind != "f":
        return plane
    whole = np.rint(plane)
    return np.where(np.abs(plane - whole) <= LABEL_TOLERANCE, whole, plane)


def _count_labels(plane: np.ndarray, scan: LabelScan) -> np.ndarray:
    """Add the plane's counts to ``scan``; where it is liver or tumour."""
    plane = _settled(plane)
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
