import nibabel as nib
import numpy as np
import pytest

from upwind.data.volumes import Grid, read_volume, write_mask
from upwind.scores.cases import score_heldout, score_unseen
from upwind.scores.folds import heldout_rows, unseen_rows
from upwind.scores.raw import RawCases

SHAPE, SIZES = (5, 6, 7), (-0.5, -0.8, 2.5)


@pytest.fixture
def study(tmp_path):
    """Three cases with their segmentations: (folder, raw, {case: (mask, label)})."""
    arrays = {}
    for case in (2, 9, 11):
        rng = np.random.default_rng(case)
        affine = np.diag([*SIZES, 1.0])
        label = rng.integers(0, 3, SHAPE).astype(np.uint8)
        nib.save(nib.Nifti1Image(label.astype(np.int16), affine), tmp_path / f"volume-{case}.nii")
        nib.save(nib.Nifti1Image(label, affine), tmp_path / f"label-{case}.nii")
        ct = read_volume(tmp_path / f"volume-{case}.nii")
        mask = rng.random(SHAPE) < 0.5
        write_mask(tmp_path / "unseen" / f"segmentation-{case}.nii.gz", mask, ct.grid)
        arrays[case] = (mask, ct.array > 0)
    raw = RawCases.of(
        arrays,
        [str(tmp_path / f"volume-{case}.nii") for case in arrays],
        [str(tmp_path / f"label-{case}.nii") for case in arrays],
    )
    return tmp_path / "unseen", raw, arrays


def assert_rows(rows, expected):
    rows = list(rows)
    assert [row["case"] for row in rows] == [row["case"] for row in expected]
    for row, wanted in zip(rows, expected, strict=True):
        assert row == pytest.approx(wanted, nan_ok=True)


def test_unseen_rows_are_each_cases_own_in_order(study):
    folder, raw, arrays = study
    grid = Grid(SHAPE, np.diag([*SIZES, 1.0]))
    expected = [
        {"case": case} | row for case in (11, 2) for row in score_unseen(*arrays[case], grid)
    ]
    assert_rows(unseen_rows(folder, [11, 2], raw), expected)


def test_heldout_rows_are_each_cases_own_slices(study):
    folder, raw, arrays = study
    heldout = {9: np.array([0, 3]), 2: np.array([6])}
    grid = Grid(SHAPE, np.diag([*SIZES, 1.0]))
    expected = [
        {"case": case} | score_heldout(*arrays[case], grid, slices)
        for case, slices in heldout.items()
    ]
    assert_rows(heldout_rows(folder, heldout, raw), expected)


SCORE = """
from pathlib import Path
from upwind.scores.folds import unseen_rows
from upwind.scores.raw import RawCases

folder = Path(sys.argv[1])
raw = RawCases.of([0], [folder / "label.nii"], [folder / "label.nii"])
start()
print(*(row.get("hd95_mm") for row in unseen_rows(folder, [0], raw)))
"""


def test_peak_memory_is_at_most_three_times_the_volume(tmp_path, peak_memory):
    """Of an int16 volume of 128 MB; the segmentation spans it, so that no bounding box helps."""
    affine = np.diag([-0.75, -0.75, 1.0, 1.0])
    label = np.zeros((512, 512, 256), np.int16)
    label[200:300, 200:300, 100:150] = 1
    nib.save(nib.Nifti1Image(label, affine), tmp_path / "label.nii")
    label[8, 8, 8] = label[-8, -8, -8] = 1
    found = nib.Nifti1Image(label.astype(np.uint8), affine)
    nib.save(found, tmp_path / "segmentation-0.nii.gz")
    peak, said = peak_memory(SCORE, tmp_path)
    assert peak < 3 * label.nbytes
    assert peak > label.nbytes  # two masks: the measure sees what it should
    assert said == "0.0 None"
