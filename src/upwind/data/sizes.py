"""How large a volume is in memory, from the first bytes of its file: a .nii.gz is about a quarter
of the volume it holds, and how much so depends on the patient."""

import gzip
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class VolumeSize:
    """``shape`` and ``voxel_bytes`` of a volume as stored."""

    shape: tuple[int, int, int]
    voxel_bytes: int

    @property
    def megabytes(self) -> float:
        """Size of the stored array in MiB."""
        return math.prod(self.shape) * self.voxel_bytes / 2**20

    @property
    def slices(self) -> int:
        """Slices along the third stored axis, which is the axial one in LiTS."""
        return self.shape[2]


# What is assumed of a volume that is not there yet: LiTS's training cases have 447 slices on
# average (58,638 in 131 cases).
TYPICAL_CT = VolumeSize((512, 512, 447), 2)

# NIfTI-1 and NIfTI-2: offset and format of the dimensions and offset of the bits per voxel (16-bit
# integer), by the size of the header that its first four bytes state (nifti1.h, nifti2.h).
_LAYOUTS = {348: (40, "8h", 72), 540: (16, "8q", 14)}
_LONGEST = 80  # bytes that hold all of these


def volume_size(path: str | os.PathLike[str]) -> VolumeSize | None:
    """Size of the volume in a NIfTI file; None where there is no such file, or no volume in it."""
    path = Path(path)
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            return _parse(file.read(_LONGEST))
    except (OSError, EOFError, zlib.error, struct.error):
        return None


def _parse(header: bytes) -> VolumeSize | None:
    for order in "<>":
        (stated,) = struct.unpack_from(f"{order}i", header)
        if stated in _LAYOUTS:
            at, dimensions, bits_at = _LAYOUTS[stated]
            count, *lengths = struct.unpack_from(order + dimensions, header, at)
            (bits,) = struct.unpack_from(f"{order}h", header, bits_at)
            if count < 3 or min(lengths[:3]) < 1 or bits < 8:
                return None
            return VolumeSize(tuple(lengths[:3]), bits // 8)
    return None
