import math

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.data.volumes import Grid, read_volume, write_mask
from upwind.scores.cases import (
    columns,
    read_pair,
    score_heldout,
    score_unseen,
    scores_table,
)

SPACING = (0.5, 0.8, 2.5)  # a voxel is 1 mm3: 0.001 ml
GRID = Grid((6, 10, 8), np.diag([*SPACING, 1.0]))


@pytest.fixture
def pair():
    """Label of 60 voxels in slices 2 to 4 and a mask of 70: 40 in common, 10 in a slice without
    liver."""
    mask, label = np.zeros((2, 6, 10, 8), bool)
    label[1:3, :, 2:5] = True
    mask[1:3, :, 2:4] = True
    mask[4:6, :, 4] = True
    mask[3, :, 7] = True
    return mask, label


def test_unseen_patients_are_scored_on_the_whole_volume(pair):
    whole, _ = score_unseen(*pair, GRID)
    assert whole["subset"] == "unseen"
    assert (whole["overlap_voxels"], whole["mask_voxels"], whole["label_voxels"]) == (40, 70, 60)
    assert whole["dsc"] == 80 / 130
    assert whole["mask_ml"] == pytest.approx(0.070)
    assert whole["label_ml"] == pytest.approx(0.060)
    assert whole["hd95_mm"] > 0
    assert whole["assd_mm"] > 0
    assert whole["volume_difference_ml"] == pytest.approx(0.010)
    assert whole["volume_difference_percent"] == pytest.approx(100 / 6)
    assert whole["diagonal_mm"] == pytest.approx(math.hypot(6 * 0.5, 10 * 0.8, 8 * 2.5))


def test_the_livers_extent_leaves_out_what_lies_above_and_below(pair):
    _, extent = score_unseen(*pair, GRID)
    assert extent["subset"] == "unseen_liver"
    assert (extent["overlap_voxels"], extent["mask_voxels"], extent["label_voxels"]) == (40, 60, 60)
    assert extent["dsc"] == 80 / 120
    assert extent["mask_ml"] == pytest.approx(0.060)
    assert "hd95_mm" not in extent


def test_a_gap_inside_the_livers_extent_counts(pair):
    mask, label = pair
    label[:, :, 3] = False
    _, extent = score_unseen(mask, label, GRID)
    assert (extent["overlap_voxels"], extent["mask_voxels"], extent["label_voxels"]) == (20, 60, 40)


def test_a_liver_at_both_ends_of_the_volume_is_all_of_it():
    label = np.zeros((3, 3, 5), bool)
    label[1, 1, [0, 4]] = True
    _, extent = score_unseen(np.ones_like(label), label, GRID)
    assert extent["mask_voxels"] == 45


def test_a_case_without_liver_has_no_score_in_its_extent(pair):
    mask, label = pair
    whole, extent = score_unseen(mask, np.zeros_like(label), GRID)
    assert whole["dsc"] == 0
    assert math.isnan(whole["hd95_mm"])
    assert math.isnan(extent["dsc"])
    assert extent["mask_voxels"] == 0


def test_two_empty_volumes_are_undefined():
    empty = np.zeros((3, 3, 3), bool)
    assert all(math.isnan(row["dsc"]) for row in score_unseen(empty, empty, GRID))


def test_heldout_slices_alone_are_scored(pair):
    row = score_heldout(*pair, GRID, [3, 4, 7])
    assert row["subset"] == "heldout"
    assert (row["overlap_voxels"], row["mask_voxels"], row["label_voxels"]) == (20, 50, 40)
    assert row["dsc"] == 40 / 90
    assert "hd95_mm" not in row


@pytest.mark.parametrize("slices", [[2, 3], np.array([2, 3]), (z for z in (3, 2))])
def test_heldout_slices_may_come_in_any_form_and_order(pair, slices):
    assert score_heldout(*pair, GRID, slices)["overlap_voxels"] == 40


def test_no_heldout_slice_has_no_score(pair):
    assert math.isnan(score_heldout(*pair, GRID, [])["dsc"])


def test_every_subset_is_explained(pair):
    rows = [*score_unseen(*pair, GRID), score_heldout(*pair, GRID, [2])]
    assert {row["subset"] for row in rows} == {"unseen", "unseen_liver", "heldout"}


def test_the_table_has_the_columns_of_scores_csv_and_leaves_undefined_cells_empty(pair, tmp_path):
    rows = [{"method": "unet", "fold": 1, "case": 7} | row for row in score_unseen(*pair, GRID)]
    scores_table(rows).to_csv(tmp_path / "scores.csv", index=False)
    read = pd.read_csv(tmp_path / "scores.csv")
    assert read.columns.tolist() == columns()
    assert read["hd95_mm"].isna().tolist() == [False, True]
    assert read["case"].tolist() == [7, 7]
    assert scores_table([]).columns.tolist() == columns()


def test_nsd_has_a_column_for_each_tolerance(pair):
    whole, extent = score_unseen(*pair, GRID, (2.5, 0.5))
    table = scores_table([whole, extent], (2.5, 0.5))
    assert table.columns.tolist() == columns((2.5, 0.5))
    assert {"nsd_2.5mm", "nsd_0.5mm"} < set(table) - {"nsd_5mm"}
    assert table["nsd_2.5mm"].iloc[0] > table["nsd_0.5mm"].iloc[0] > 0
    assert table["nsd_2.5mm"].isna().tolist() == [False, True]


# From files ---------------------------------------------------------------------------------------


def write_case(folder, label, affine, mask=None):
    """CT, label and segmentation of one case, stored along ``affine``'s axes."""
    nib.save(nib.Nifti1Image(np.zeros(label.shape, np.int16), affine), folder / "volume-0.nii.gz")
    nib.save(nib.Nifti1Image(label, affine), folder / "segmentation-0.nii.gz")
    ct = read_volume(folder / "volume-0.nii.gz")
    canonical = read_volume(folder / "segmentation-0.nii.gz").array > 0 if mask is None else mask
    write_mask(folder / "mask-0.nii.gz", canonical, ct.grid)
    names = ("mask-0.nii.gz", "volume-0.nii.gz", "segmentation-0.nii.gz")
    return [folder / name for name in names]


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (-1, 1, -1)])
def test_tumour_counts_as_liver_and_any_orientation_is_scored_alike(tmp_path, signs):
    stored = np.zeros((4, 5, 6), np.uint8)
    stored[1, 1:3, 2], stored[1, 1, 3] = 1, 2
    affine = np.diag([0.5 * signs[0], 0.8 * signs[1], 2.5 * signs[2], 1.0])
    mask, label, grid = read_pair(*write_case(tmp_path, stored, affine))
    assert grid.spacing == pytest.approx(SPACING)
    assert (mask.dtype, label.dtype) == (bool, bool)
    assert label.sum() == 3
    whole, _ = score_unseen(mask, label, grid)
    assert whole["dsc"] == 1
    assert whole["label_ml"] == pytest.approx(0.003)


def test_the_label_is_read_on_the_cts_grid(tmp_path):
    """Where the files state different affines, as the authors do."""
    stored = np.zeros((4, 5, 6), np.uint8)
    stored[0, 1, 2] = 1
    paths = write_case(tmp_path, stored, np.diag([-0.5, -0.8, 2.5, 1.0]))
    nib.save(nib.Nifti1Image(stored, np.eye(4)), paths[2])
    mask, label, grid = read_pair(*paths)
    np.testing.assert_array_equal(mask, label)
    assert grid.spacing == pytest.approx(SPACING)


def test_a_segmentation_on_another_grid_is_named(tmp_path):
    paths = write_case(tmp_path, np.ones((4, 5, 6), np.uint8), np.eye(4))
    nib.save(nib.Nifti1Image(np.ones((4, 5, 5), np.uint8), np.eye(4)), paths[0])
    with pytest.raises(UpwindError, match=r"mask-0.*another grid.*4 x 5 x 6 against 4 x 5 x 5"):
        read_pair(*paths)


def test_a_tilted_gantry_has_the_determinant_as_its_voxels_volume(tmp_path):
    sheared = np.diag([-0.5, -0.8, 2.5, 1.0])
    sheared[1, 2] = 1.5
    whole, extent = score_unseen(*read_pair(*write_case(tmp_path, np.ones((4, 5, 6)), sheared)))
    assert whole["label_ml"] == whole["mask_ml"] == pytest.approx(120 * 0.001)
    assert extent["label_ml"] == whole["label_ml"]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_a_label_of_any_type_is_read_alike(tmp_path, dtype, ending):
    stored = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(dtype)
    paths = write_case(tmp_path, stored.astype(np.uint8), np.diag([-0.5, 0.8, 2.5, 1.0]))
    paths[2] = tmp_path / f"label.{ending}"
    nib.save(nib.Nifti1Image(stored, np.diag([-0.5, 0.8, 2.5, 1.0])), paths[2])
    mask, label, _ = read_pair(*paths)
    np.testing.assert_array_equal(label, mask)
    np.testing.assert_array_equal(label, (stored > 0)[::-1])


def test_a_segmentation_cut_short_is_named(tmp_path):
    paths = write_case(tmp_path, np.ones((50, 50, 60), np.uint8), np.eye(4))
    mask = np.random.default_rng(0).random((50, 50, 60)) < 0.5  # too large for gzip's first block
    write_mask(paths[0], mask, read_volume(paths[1]).grid)
    paths[0].write_bytes(paths[0].read_bytes()[:-10])
    with pytest.raises(UpwindError, match=r"mask-0\.nii\.gz is truncated or damaged"):
        read_pair(*paths)
