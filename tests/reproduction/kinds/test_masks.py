import gzip

import nibabel as nib
import numpy as np
import pytest

from upwind.reproduction.difference import Part
from upwind.reproduction.kinds.masks import compare_masks, mask_sha256


@pytest.fixture
def mask(tmp_path):
    def write(name, voxels, spacing=1.0, type_=np.uint8):
        path = tmp_path / f"{name}.nii.gz"
        affine = np.diag([spacing, spacing, spacing, 1])
        nib.save(nib.Nifti1Image(np.asarray(voxels, type_).reshape(2, 2, 2), affine), path)
        return path

    return write


def test_voxels_and_dsc_between_two_masks(mask):
    one, other = mask("one", [1, 1, 1, 0, 0, 0, 0, 0]), mask("other", [0, 1, 1, 1, 0, 0, 0, 0])
    found = compare_masks(one, other)
    assert found.summary == "2 voxels differ, DSC between them 0.6667"
    assert found.parts == [Part("voxels", "3", "3", 2.0)]
    assert mask_sha256(one) != mask_sha256(other)


def test_an_empty_mask_beside_one_that_is_not(mask):
    found = compare_masks(mask("one", [0] * 8), mask("other", [1] + [0] * 7))
    assert found.summary == "1 voxels differ, DSC between them 0.0000"


def test_other_grids(mask):
    found = compare_masks(mask("one", [1] * 8), mask("other", [1] * 8, spacing=2.0))
    assert found.summary == "they are on other grids"


def test_the_hash_of_a_mask_is_that_of_its_voxels(mask, tmp_path):
    one, other = mask("one", [1] * 8), mask("other", [1] * 8, type_=np.int16)
    packed = tmp_path / "packed.nii.gz"
    packed.write_bytes(gzip.compress(gzip.decompress(one.read_bytes()), 1, mtime=5))
    assert mask_sha256(one) == mask_sha256(other) == mask_sha256(packed)
    assert compare_masks(one, packed).summary == "the same voxels, written otherwise"


@pytest.mark.parametrize("content", [b"", b"a mask", b"\x1f\x8b\x08\x00"])
def test_what_is_no_mask_is_refused(mask, tmp_path, content):
    (tmp_path / "bad.nii.gz").write_bytes(content)
    with pytest.raises((ValueError, OSError)):
        compare_masks(mask("one", [1] * 8), tmp_path / "bad.nii.gz")


def test_a_mask_that_is_cut_short_is_refused(mask, tmp_path):
    whole = gzip.decompress(mask("one", [1] * 8).read_bytes())
    (tmp_path / "bad.nii.gz").write_bytes(gzip.compress(whole[:-4]))
    with pytest.raises((ValueError, OSError)):
        mask_sha256(tmp_path / "bad.nii.gz")
