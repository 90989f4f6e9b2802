import gzip

import nibabel as nib
import numpy as np
import pytest

from upwind.data.sizes import TYPICAL_CT, VolumeSize, volume_size


def save(path, shape=(7, 5, 3), dtype=np.int16, kind=nib.Nifti1Image):
    image = kind(np.zeros(shape, dtype), np.eye(4), dtype=dtype)
    nib.save(image, path)
    return path


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
def test_size_is_that_of_the_array_which_nibabel_reads(tmp_path, ending, kind, dtype):
    path = save(tmp_path / f"volume-0.{ending}", dtype=dtype, kind=kind)
    array = np.asanyarray(nib.load(path).dataobj)
    assert volume_size(path) == VolumeSize((7, 5, 3), array.itemsize)
    assert volume_size(path).megabytes == array.nbytes / 2**20
    assert volume_size(path).slices == 3


def test_a_big_endian_header_is_read(tmp_path):
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    path = tmp_path / "volume-0.nii"
    nib.save(nib.Nifti1Image(np.zeros((4, 3, 2), np.int16), np.eye(4), header), path)
    assert path.read_bytes()[:4] == b"\x00\x00\x01\x5c"  # 348, most significant byte first
    assert volume_size(path) == VolumeSize((4, 3, 2), 2)


def test_a_missing_file_has_no_size(tmp_path):
    assert volume_size(tmp_path / "volume-0.nii.gz") is None
    assert volume_size(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\x5c\x01", bytes(80), b"not a volume" * 20, gzip.compress(b"short")[:-9]],
    ids=["empty", "cut", "zeros", "text", "cut gzip"],
)
@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_what_is_no_volume_has_no_size(tmp_path, content, ending):
    path = tmp_path / f"volume-0.{ending}"
    path.write_bytes(content)
    assert volume_size(path) is None


def test_a_header_with_impossible_dimensions_has_no_size(tmp_path):
    path = save(tmp_path / "volume-0.nii")
    content = bytearray(path.read_bytes())
    content[42:44] = (-7).to_bytes(2, "little", signed=True)
    path.write_bytes(content)
    assert volume_size(path) is None


def test_a_volume_is_larger_than_its_compressed_file(tmp_path):
    path = save(tmp_path / "volume-0.nii.gz", (64, 64, 64))
    assert volume_size(path).megabytes == 0.5
    assert path.stat().st_size < 10_000


def test_the_typical_ct_is_235_mb():
    assert TYPICAL_CT.megabytes == pytest.approx(223.5)
