"""Reading a NIfTI file that may be broken: the header first, then plane by plane.

Nothing is allocated for what a header merely claims, and one stored plane at a time is held.
"""

import contextlib
import gzip
import io
import logging
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel import imageglobals, orientations

from upwind.common.errors import UpwindError
from upwind.common.reading import open_plain
from upwind.data.naming import short_name
from upwind.data.volumes import Grid, proxy_of, rescale

# Deflate cannot do better than 1032:1 (zlib's own technical notes), so a .nii.gz of n bytes holds
# at most this many times n bytes.
_MAX_DEFLATE_RATIO = 1032
# Bytes read at once: a plane that the header invents never takes more memory than the file fills.
_PIECE = 1 << 20
# The longest scans of a whole body have some 2,500 slices of 512 x 512, the finest 1,024 x 1,024
# pixels in fewer.
_LONGEST_AXIS = 4096
_MOST_VOXELS = 2**30
# A CT's noise keeps it from being compressed to less than about a quarter. What is large and
# shrinks to less than this share of itself is no scan, and would fill the memory from a small file.
_LEAST_SHARE, _LARGE = 1 / 200, 1 << 26
# A label from here on is liver or tumour: who stores 0, 1 and 2 as scaled numbers rounds them.
MARKED = 0.5
# How a compressed file begins, and a NIfTI header: with its own length, in either order of bytes.
_GZIPPED = b"\x1f\x8b"
_HEADERS = {size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big")}


@dataclass(frozen=True)
class Header:
    """What a NIfTI file states before its first voxel. ``shape`` and ``affine`` (mm) are those of
    the stored array, ``sform`` and ``qform`` what the header states of it (None where it does not),
    ``pixdim`` the sizes of a voxel (mm) that stand beside them; ``repairs`` is what nibabel had to
    mend to read it."""

    path: Path
    shape: tuple[int, ...]
    affine: np.ndarray
    dtype: np.dtype
    slope: float
    intercept: float
    offset: int
    has_orientation: bool
    repairs: tuple[str, ...]
    sform: np.ndarray | None = None
    qform: np.ndarray | None = None
    pixdim: tuple[float, ...] = ()

    @property
    def voxels(self) -> int:
        """Number of voxels stated; 0 where a dimension makes no sense."""
        return math.prod(self.shape) if self.shape and min(self.shape) > 0 else 0


def read_header(path: Path) -> Header:
    """Read the header alone.

    Raises:
        UpwindError: missing, not to be read by this user, named for another compression than it
            has, not NIfTI, or a header that cannot be understood.
    """
    _check_named_as_packed(path)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist (a broken link?)"
        raise UpwindError(f"{short_name(path)} {kind}: put the file itself there.")
    try:
        with _captured_log() as repairs:
            image = nib.load(path)
        if not isinstance(image, nib.Nifti1Image):
            raise UpwindError(f"it is {type(image).__name__}, not a NIfTI volume")
        stored, first = proxy_of(image), image.header.single_vox_offset
        if stored.offset < first:
            raise UpwindError(
                f"its voxels would begin at byte {stored.offset}, within its header of {first} "
                "(vox_offset)"
            )
        return Header(
            path=path,
            shape=tuple(int(n) for n in stored.shape),
            affine=np.asarray(image.affine, dtype=float),
            dtype=np.dtype(stored.dtype),
            slope=float(stored.slope),
            intercept=float(stored.inter),
            offset=int(stored.offset),
            has_orientation=bool(image.header["sform_code"] or image.header["qform_code"]),
            repairs=tuple(repairs),
            sform=image.get_sform(coded=True)[0],
            qform=image.get_qform(coded=True)[0],
            pixdim=tuple(float(size) for size in image.header["pixdim"][1:4]),
        )
    except Exception as error:  # nibabel raises many types for a broken header: all mean the same
        raise UpwindError(
            f"{short_name(path)} cannot be read as NIfTI ({_reason(path, error)}): "
            "download or convert it again."
        ) from error


def overclaim(header: Header) -> str | None:
    """Say so if no CT has as many voxels along an axis as the header states, or if the file is too
    small for them; None if it may fit.

    Exact for ``.nii``; for ``.nii.gz`` a bound (a file cut short passes, and :func:`planes` finds
    it).
    """
    size = header.path.stat().st_size
    needed = header.offset + header.voxels * header.dtype.itemsize
    packed = _is_gzipped(header.path)
    if needed <= size * (_MAX_DEFLATE_RATIO if packed else 1):
        return _too_long(header)
    shape = " x ".join(str(n) for n in header.shape)
    at_most = "can hold, even compressed" if packed else "holds"
    return (
        f"{short_name(header.path)} is truncated or its header is wrong: it states {shape} voxels "
        f"of {header.dtype.name}, {needed:,} bytes, more than the {size:,} bytes of the file "
        f"{at_most}. Download or convert it again."
    )


def inflated(header: Header) -> str | None:
    """Say so if an image is a large one in a file so small that no scan is in it; None if it may be
    one. (Of a label most is background.)"""
    size, needed = header.path.stat().st_size, header.voxels * header.dtype.itemsize
    if needed <= _LARGE or size >= needed * _LEAST_SHARE:
        return None
    return (
        f"{short_name(header.path)} states {needed:,} bytes of voxels in a file of {size:,} bytes: "
        "no CT can be compressed so far. Convert it again from the original."
    )


def _too_long(header: Header) -> str | None:
    longest = max(header.shape)
    if longest <= _LONGEST_AXIS and header.voxels > _MOST_VOXELS:
        return (
            f"{short_name(header.path)} states {header.voxels:,} voxels; no CT has more than "
            f"{_MOST_VOXELS:,}. Convert it again from the original."
        )
    if longest <= _LONGEST_AXIS:
        return None
    return (
        f"{short_name(header.path)} states {longest:,} voxels along an axis; no CT has more than "
        f"{_LONGEST_AXIS:,}. Convert it again from the original."
    )


def excess(header: Header) -> int:
    """Bytes of a ``.nii`` beyond the voxels that its header states; 0 of a ``.nii.gz``, of which
    only its end could tell."""
    if _is_gzipped(header.path):
        return 0
    needed = header.offset + header.voxels * header.dtype.itemsize
    return max(0, header.path.stat().st_size - needed)


def planes(header: Header) -> Iterator[np.ndarray]:
    """Yield the values (HU or labels) of each stored plane, shape ``header.shape[:2]``, in the
    file's order over the remaining axes. A checksum of a ``.nii.gz`` is verified after the last.

    Raises:
        UpwindError: the file ends too early or its compressed data are damaged.
    """
    rows, columns = (*header.shape[:2], 1)[:2]
    size = rows * columns * header.dtype.itemsize
    count = header.voxels // (rows * columns)
    done = 0
    try:
        with _open(header.path) as stream:
            _skip(stream, header.offset)
            while done < count:
                raw = _read(stream, size)
                if len(raw) < size:
                    raise EOFError("the file ends")
                stored = np.frombuffer(raw, header.dtype).reshape((rows, columns), order="F")
                with np.errstate(over="ignore", invalid="ignore"):  # an absurd slope, for the check
                    values = rescale(stored, header.slope, header.intercept)
                yield values
                done += 1
            if _is_gzipped(header.path):
                while stream.read(_PIECE):  # the checksum is compared at the very end
                    pass
    except (OSError, EOFError, zlib.error) as error:
        raise UpwindError(
            f"{short_name(header.path)} is truncated or damaged: {done} of {count} planes could be "
            f"read ({_one_line(error)}). Download or convert it again."
        ) from error


def sound_grid(header: Header | None) -> Grid | None:
    """The grid of a 3-D file whose affine makes sense."""
    if header is None or len(header.shape) != 3 or not np.isfinite(header.affine).all():
        return None
    # nibabel marks an axis that it cannot tell from the others with NaN.
    if np.isnan(orientations.io_orientation(header.affine)).any():
        return None
    return Grid(header.shape, header.affine)


def read_positive(header: Header, above: float = 0) -> np.ndarray:
    """Where a file's values are positive (a mask), or ``above`` a number, as stored, bool. The
    values themselves, up to eight times as large, pass plane by plane. Raises UpwindError as
    :func:`planes` does, and for more than the file can hold."""
    if problem := overclaim(header):
        raise UpwindError(problem)
    stored = np.empty(header.shape, bool, order="F")
    for index, plane in enumerate(planes(header)):
        np.greater(plane, above, out=stored[..., index])
    return stored


def _check_named_as_packed(path: Path) -> None:
    """Raises UpwindError for a file that is compressed and not named so, or the reverse, and for
    one that this user may not read."""
    try:
        with open_plain(path) as file:
            start = file.read(4)
    except PermissionError as error:
        raise UpwindError(
            f"{short_name(path)} may not be read ({error.strerror}): give yourself the right to "
            "read it (chmod u+r), or ask its owner."
        ) from error
    except OSError:
        return  # that it is no file is said by the caller
    packed = start.startswith(_GZIPPED)
    if packed == _is_gzipped(path) or not (packed or start in _HEADERS):
        return
    name = path.with_suffix("").name if not packed else f"{path.name}.gz"
    raise UpwindError(
        f"{short_name(path)} is {'' if packed else 'not '}compressed (gzip), other than its name "
        f"says: rename it to {name}."
    )


def _is_gzipped(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _open(path: Path) -> gzip.GzipFile | io.BufferedReader:
    return gzip.open(path, "rb") if _is_gzipped(path) else path.open("rb")


def _skip(stream: io.BufferedIOBase, count: int) -> None:
    while count > 0:
        piece = stream.read(min(count, _PIECE))
        if not piece:
            return
        count -= len(piece)


def _read(stream: io.BufferedIOBase, count: int) -> bytes:
    pieces = []
    while count > 0:
        piece = stream.read(min(count, _PIECE))
        if not piece:
            break
        pieces.append(piece)
        count -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _reason(path: Path, error: Exception) -> str:
    """Why no header could be read. nibabel only finds no known type where the file is damaged."""
    if not isinstance(error, nib.filebasedimages.ImageFileError):
        return _one_line(error)
    try:
        with _open(path) as stream:
            return "it does not begin with a NIfTI header" if stream.read(1) else "it is empty"
    except (OSError, EOFError, zlib.error) as damage:
        return _one_line(damage)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextlib.contextmanager
def _captured_log() -> Iterator[list[str]]:
    # nibabel mends some headers and says so on stderr without naming the file.
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger = imageglobals.logger
    handlers, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [Collector()], False
    try:
        yield messages
    finally:
        logger.handlers, logger.propagate = handlers, propagate
