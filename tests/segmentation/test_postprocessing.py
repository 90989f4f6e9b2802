"""Post-processing of segmentations, file by file."""

from typing import get_args

import nibabel as nib
import numpy as np

from upwind.segmentation.postprocessing import POSTPROCESSING, postprocess_file, segmentations_in
from upwind.settings.methods import Postprocessing


def test_each_name_of_the_configuration_has_its_function():
    assert POSTPROCESSING.keys() == set(get_args(Postprocessing))


def test_the_largest_component_of_a_file_on_its_own_grid(tmp_path):
    mask = np.zeros((4, 5, 6), np.uint8)
    mask[0, 0, :3] = mask[3, 4, 5] = 1
    affine = np.array([[0, -2, 0, 1], [3, 0, 0, 2], [0, 0, 4, 3], [0, 0, 0, 1.0]])
    nib.save(nib.Nifti1Image(mask, affine), tmp_path / "a.nii.gz")
    counts = postprocess_file(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz", "largest_component")
    mask[3, 4, 5] = 0
    written = nib.load(tmp_path / "b.nii.gz")
    assert counts == (4, 3)
    np.testing.assert_array_equal(np.asarray(written.dataobj), mask)
    np.testing.assert_array_equal(written.affine, affine)


def test_segmentations_in_folders_and_by_themselves(tmp_path):
    for name in ("segmentation-1.nii.gz", "segmentation-0.nii.gz", "trials-0.csv"):
        (tmp_path / name).touch()
    alone = tmp_path / "other.nii.gz"
    names = [path.name for path in segmentations_in([tmp_path, alone])]
    assert names == ["segmentation-0.nii.gz", "segmentation-1.nii.gz", "other.nii.gz"]
