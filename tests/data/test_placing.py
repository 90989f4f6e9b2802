"""Headers that state nothing, or two things: one rule, and a note."""

import gzip
import os
import shutil
import time

import nibabel as nib
import numpy as np
import pytest

from upwind.common.errors import UpwindError
from upwind.data import voxels
from upwind.data.check import cases_table, check_case, render
from upwind.data.naming import CaseFiles
from upwind.data.placing import header_notes
from upwind.data.voxels import overclaim, read_header

AFFINE = np.diag([-0.8, -0.8, 2.5, 1.0])


def save(path, affine=AFFINE, **codes):
    image = nib.Nifti1Image(np.zeros((6, 5, 4), np.int16), affine)
    for field, value in codes.items():
        image.header[field] = value
    nib.save(image, path)
    return path


def notes(path):
    return header_notes(read_header(path))


def test_a_sound_header_has_no_note(tmp_path):
    assert notes(save(tmp_path / "volume-1.nii")) == []


def test_an_identity_affine_is_told(tmp_path):
    """As in LiTS 28 to 47."""
    (note,) = notes(save(tmp_path / "volume-28.nii.gz", np.eye(4)))
    assert note.startswith("volume-28.nii.gz states an identity affine, 1 x 1 x 1 mm and no place")
    # 1 mm in another direction is stated.
    assert notes(save(tmp_path / "volume-1.nii", np.diag([-1.0, -1, 1, 1]))) == []


def test_sizes_beside_the_affine(tmp_path):
    path = tmp_path / "volume-1.nii"
    image = nib.Nifti1Image(np.zeros((6, 5, 4), np.int16), AFFINE)
    nib.save(image, path)
    content = bytearray(path.read_bytes())
    content[80:84] = np.float32(1.5).tobytes()  # pixdim[1]
    path.write_bytes(content)
    (note,) = notes(path)
    assert "voxels of 0.8 x 0.8 x 2.5 mm by its affine and of 1.5 x 0.8 x 2.5 mm by" in note


def test_a_case_without_sizes_is_marked(tmp_path):
    save(tmp_path / "segmentation-1.nii", np.eye(4))
    for affine, known in ((np.eye(4), False), (AFFINE, True)):
        path = save(tmp_path / "volume-1.nii", affine)
        report = check_case(CaseFiles(1, path, tmp_path / "segmentation-1.nii"))
        assert report.sizes_known is known
        assert cases_table([report])["sizes_known"].tolist() == [known]
        assert ("0.80×0.80×2.50" if known else "1.00×1.00×1.00?") in render([report])


def test_a_qform_elsewhere_than_the_sform(tmp_path):
    image = nib.Nifti1Image(np.zeros((6, 5, 4), np.int16), AFFINE)
    moved = AFFINE.copy()
    moved[2, 3] = 30
    image.set_qform(moved, code=1)
    nib.save(image, tmp_path / "volume-1.nii")
    (note,) = notes(tmp_path / "volume-1.nii")
    assert "by its qform up to 30 mm from where its sform puts it: the sform is taken" in note


def test_bytes_that_no_header_tells_of(tmp_path):
    path = save(tmp_path / "volume-1.nii")
    path.write_bytes(path.read_bytes() + bytes(1500))
    (note,) = notes(path)
    assert "is 1,500 bytes longer than its header states" in note


def test_a_date_in_the_future(tmp_path):
    path = save(tmp_path / "volume-1.nii")
    os.utime(path, (time.time() + 3600,) * 2)
    (note,) = notes(path)
    assert "is dated in the future, so that Snakemake refuses it: set its date with `touch`" in note


@pytest.mark.parametrize(("name", "other"), [("a.nii", "a.nii.gz"), ("a.nii.gz", "a.nii")])
def test_a_name_that_tells_another_compression(tmp_path, name, other):
    shutil.move(save(tmp_path / other), tmp_path / name)
    with pytest.raises(UpwindError, match=rf"^{name} is (not )?compressed .* rename it to {other}"):
        read_header(tmp_path / name)


@pytest.mark.parametrize("offset", [0, 100, 348])
def test_voxels_that_begin_within_the_header(tmp_path, offset):
    path = save(tmp_path / "volume-1.nii")
    content = bytearray(path.read_bytes())
    content[108:112] = np.float32(offset).tobytes()
    path.write_bytes(content)
    with pytest.raises(UpwindError, match=r"cannot be read as NIfTI \(.*offset"):
        read_header(path)


@pytest.mark.skipif(os.getuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = save(tmp_path / "volume-1.nii")
    path.chmod(0)
    with pytest.raises(UpwindError, match=r"may not be read \(Permission denied\): give yourself"):
        read_header(path)


def test_the_words_for_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = save(tmp_path / "volume-1.nii")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(voxels, "open_plain", refuse)
    with pytest.raises(UpwindError, match=r"may not be read \(Permission denied\): give yourself"):
        read_header(path)


def test_more_voxels_along_an_axis_than_any_ct_has(tmp_path):
    """A few kB that would keep a check busy for minutes, line by line."""
    header = nib.Nifti2Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape((1, 1, 1_000_000))
    header["vox_offset"] = 544
    path = tmp_path / "volume-1.nii.gz"
    path.write_bytes(gzip.compress(header.binaryblock + bytes(4 + 1_000_000)))
    assert "states 1,000,000 voxels along an axis" in overclaim(read_header(path))
