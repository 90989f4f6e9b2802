"""Which header a mask or label is read by."""

import nibabel as nib
import numpy as np
import pytest
from nibabel import orientations

from upwind.common.errors import UpwindError
from upwind.data.labels import label_note, read_label, read_liver, read_mask
from upwind.data.volumes import Grid, read_volume, write_mask

AFFINE = np.diag([-0.8, -0.7, 2.5, 1.0])  # LPS
CT = Grid((4, 5, 6), AFFINE)
# Labels as stored on the CT, and where they are positive in canonical order.
STORED = np.random.default_rng(0).integers(0, 3, CT.shape).astype(np.uint8)
LIVER = STORED[::-1, ::-1] > 0


def saved(path, array=STORED, affine=AFFINE, codes=None):
    image = nib.Nifti1Image(array, affine)
    if codes:
        here, there = orientations.io_orientation(affine), orientations.axcodes2ornt(codes)
        image = image.as_reoriented(orientations.ornt_transform(here, there))
    nib.save(image, path)
    return path


@pytest.mark.parametrize("codes", [None, "RAS", "LAS", "SPL", "PIR"])
@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_masks_and_labels_lie_where_their_headers_say(tmp_path, codes, ending):
    path = saved(tmp_path / f"segmentation-0.{ending}", codes=codes)
    for read in (read_mask, read_liver):
        found = read(path, CT)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, LIVER)
    label = read_label(path, CT)
    np.testing.assert_array_equal(label.values(), STORED[::-1, ::-1])
    assert label.grid is CT
    note = label_note(path, CT)
    assert (note is None) == (codes is None)
    if note:
        assert f"({codes} against LPS)" in note


def test_the_authors_rule_is_for_labels_of_data_sets(tmp_path):
    """One that states a mirrored body elsewhere is laid over the CT; a mask is refused."""
    path = saved(tmp_path / "segmentation-0.nii", affine=np.diag([0.8, 0.7, 2.5, 1.0]))
    np.testing.assert_array_equal(read_liver(path, CT), LIVER)
    np.testing.assert_array_equal(read_label(path, CT).values(), STORED[::-1, ::-1])
    note = label_note(path, CT)
    for part in ("orientation LPS against RAS", "origin", "image's is taken for both", "mirrored"):
        assert part in note
    with pytest.raises(UpwindError, match=r"segmentation-0\.nii is on another grid than the CT"):
        read_mask(path, CT)


def test_a_label_without_a_position_lies_where_its_ct_does(tmp_path):
    image = nib.Nifti1Image(STORED, None)
    image.header["sform_code"] = 1
    image.header["srow_x"] = np.nan
    nib.save(image, tmp_path / "segmentation-0.nii")
    np.testing.assert_array_equal(read_liver(tmp_path / "segmentation-0.nii", CT), LIVER)
    assert "singular or not finite" in label_note(tmp_path / "segmentation-0.nii", CT)
    with pytest.raises(UpwindError, match="no mask on a grid"):
        read_mask(tmp_path / "segmentation-0.nii", CT)


def test_another_shape_fits_by_no_rule(tmp_path):
    path = saved(tmp_path / "segmentation-0.nii", STORED[:, :, :5])
    for read in (read_liver, read_label, label_note):
        with pytest.raises(UpwindError, match=r"shape 4 x 5 x 6 against 4 x 5 x 5 voxels"):
            read(path, CT)


def test_a_mask_on_another_grid_is_resampled_when_asked_for(tmp_path):
    twice = AFFINE @ np.diag([0.5, 0.5, 0.5, 1])
    twice[:3, 3] = AFFINE[:3, :3] @ [-0.25, -0.25, -0.25]
    fine = STORED.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    path = saved(tmp_path / "mask.nii.gz", fine, twice)
    with pytest.raises(UpwindError, match=r"spacing 0\.8 x 0\.7 x 2\.5 against 0\.4"):
        read_mask(path, CT)
    np.testing.assert_array_equal(read_mask(path, CT, resample=True), LIVER)


def test_what_is_written_is_read(tmp_path):
    write_mask(tmp_path / "mask.nii.gz", LIVER, CT)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.nii.gz", CT), LIVER)
    np.testing.assert_array_equal(read_volume(tmp_path / "mask.nii.gz").array > 0, LIVER)
