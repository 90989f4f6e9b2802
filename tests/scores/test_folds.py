from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from upwind.data.volumes import read_volume, write_mask
from upwind.scores.cases import score_heldout, score_unseen
from upwind.scores.folds import RawCases, heldout_rows, unseen_rows

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
    spacing = tuple(np.abs(SIZES))
    expected = [
        {"case": case} | row for case in (11, 2) for row in score_unseen(*arrays[case], spacing)
    ]
    assert_rows(unseen_rows(folder, [11, 2], raw), expected)


def test_heldout_rows_are_each_cases_own_slices(study):
    folder, raw, arrays = study
    heldout = {9: np.array([0, 3]), 2: np.array([6])}
    spacing = tuple(np.abs(SIZES))
    expected = [
        {"case": case} | score_heldout(*arrays[case], spacing, slices)
        for case, slices in heldout.items()
    ]
    assert_rows(heldout_rows(folder, heldout, raw), expected)


def test_raw_cases_are_matched_by_their_order():
    raw = RawCases.of(iter([4, 0]), ["v4", "v0"], ["s4", "s0"])
    assert raw.images == {4: Path("v4"), 0: Path("v0")}
    assert raw.labels == {4: Path("s4"), 0: Path("s0")}


@pytest.mark.parametrize(("images", "labels"), [(["v4"], ["s4", "s0"]), (["v4", "v0"], ["s4"])])
def test_lists_of_different_lengths_are_refused(images, labels):
    with pytest.raises(ValueError, match="shorter"):
        RawCases.of([4, 0], images, labels)
