"""A synthetic CT with its label and segmentations, of any size, written slice by slice."""

import contextlib
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import nibabel as nib
import numpy as np
from scipy import ndimage

SPACING = (0.75, 0.75, 0.8)  # mm; LiTS has 0.56 to 1.0 in-plane and 0.45 to 6.0 between slices
# HU of what a slice shows, and the noise of a CT scanner: standard deviation (HU) and correlation
# (pixels) of an abdominal scan, so that gzip finds as little to pack as in a patient.
OUTSIDE, AIR, FAT, TISSUE, LIVER, TUMOUR, BONE = -1024, -1000, -90, 45, 105, 70, 400
NOISE_HU, NOISE_PIXELS = 18.0, 0.6


@dataclass(frozen=True)
class Ellipsoid:
    """Centre and semi-axes as shares of the volume's extent along (x, y, z)."""

    centre: tuple[float, float, float]
    axes: tuple[float, float, float]

    def at(self, x: np.ndarray, y: np.ndarray, z: float) -> np.ndarray:
        """Where the slice at height ``z`` (share) lies inside."""
        (cx, cy, cz), (ax, ay, az) = self.centre, self.axes
        return ((x - cx) / ax) ** 2 + ((y - cy) / ay) ** 2 + ((z - cz) / az) ** 2 <= 1


BODY = Ellipsoid((0.5, 0.5, 0.5), (0.42, 0.32, 10.0))
INNER = Ellipsoid((0.5, 0.5, 0.5), (0.38, 0.28, 10.0))
SPINE = Ellipsoid((0.5, 0.28, 0.5), (0.05, 0.05, 10.0))
LIVER_SHAPE = Ellipsoid((0.65, 0.55, 0.62), (0.18, 0.2, 0.13))
TUMOUR_SHAPE = Ellipsoid((0.68, 0.6, 0.62), (0.03, 0.03, 0.02))
# What a network might find: the liver, a little off, and something else in the pelvis, so that the
# segmentation's bounding box spans nearly the whole volume.
FOUND_SHAPE = Ellipsoid((0.66, 0.54, 0.625), (0.18, 0.2, 0.13))
WRONG_SHAPE = Ellipsoid((0.4, 0.5, 0.06), (0.1, 0.08, 0.04))


def write_case(folder: Path, shape: tuple[int, int, int], ending: str) -> None:
    """Write a case of ``shape`` (x, y, z) as stored into ``folder``.

    ``volume-0`` (int16 HU) and ``segmentation-0`` (uint8: 0, 1, 2) have the ``ending`` nii or
    nii.gz. ``found/segmentation-0.nii.gz`` is a plausible result of a network with something wrong
    at the other end of the volume, ``everywhere/segmentation-0.nii.gz`` one that is liver
    everywhere, as of a network that failed to train.
    """
    rng = np.random.default_rng(0)
    x, y = np.ogrid[: shape[0], : shape[1]]
    x, y = (x + 0.5) / shape[0], (y + 0.5) / shape[1]
    types = {
        f"volume-0.{ending}": np.int16,
        f"segmentation-0.{ending}": np.uint8,
        "found/segmentation-0.nii.gz": np.uint8,
        "everywhere/segmentation-0.nii.gz": np.uint8,
    }
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(_begun(folder / n, shape, t)) for n, t in types.items()]
        for index in range(shape[2]):
            z = (index + 0.5) / shape[2]
            label = LIVER_SHAPE.at(x, y, z) + TUMOUR_SHAPE.at(x, y, z).astype(np.uint8)
            found = FOUND_SHAPE.at(x, y, z) | WRONG_SHAPE.at(x, y, z)
            planes = (_hu(x, y, z, label, rng), label, found, np.ones_like(label))
            for file, plane, dtype in zip(files, planes, types.values(), strict=True):
                file.write(plane.astype(dtype).tobytes(order="F"))


@contextlib.contextmanager
def _begun(path: Path, shape: tuple[int, int, int], dtype: type) -> Iterator[BinaryIO]:
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wb", 1) if path.suffix == ".gz" else path.open("wb") as file:
        file.write(_header(shape, dtype))
        yield file


def _hu(x, y, z: float, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    hu = np.full(label.shape, AIR, np.float32)
    for shape, value in ((BODY, FAT), (INNER, TISSUE), (SPINE, BONE)):
        hu[shape.at(x, y, z)] = value
    hu[label == 1], hu[label == 2] = LIVER, TUMOUR
    noise = ndimage.gaussian_filter(rng.standard_normal(label.shape, np.float32), NOISE_PIXELS)
    hu += noise * np.float32(NOISE_HU / noise.std())
    # Scanners leave what lies outside the circle of reconstruction at one value.
    hu[(x - 0.5) ** 2 + (y - 0.5) ** 2 > 0.25] = OUTSIDE
    return np.rint(hu).clip(OUTSIDE, 3071)


def _header(shape: tuple[int, int, int], dtype: type) -> bytes:
    header = nib.Nifti1Header()
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    # The patient's left and back first, as in most of LiTS.
    header.set_sform(np.diag([-SPACING[0], -SPACING[1], SPACING[2], 1.0]), code=1)
    header.set_qform(header.get_sform(), code=1)
    header.set_xyzt_units("mm")
    header["magic"], header["vox_offset"] = b"n+1", 352
    return header.binaryblock + b"\0" * 4
