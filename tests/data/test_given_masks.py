"""Masks that somebody else made: found, checked and brought onto the CT's grid."""

import os

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.data import given_masks
from upwind.data.given_masks import (
    check_every_fold,
    check_masks,
    left_out,
    mask_file,
    masks_table,
    read_given,
    refuse_unusable,
    usable_cases,
)
from upwind.data.volumes import Grid, read_grid
from upwind.provenance import fingerprint_cache

SHAPE, AFFINE = (4, 5, 6), np.diag([-2.0, 3.0, 4.0, 1.0])
CT = Grid(SHAPE, AFFINE)


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Nothing is known of files from before."""
    monkeypatch.chdir(tmp_path)
    given_masks._known.cache_clear()
    yield
    given_masks._known.cache_clear()


def written(path, array, affine=AFFINE):
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


def liver():
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:3, 2:4, 1:5] = 1
    return mask


def test_files_are_found_by_case(monkeypatch):
    monkeypatch.setenv("MASKS", "/m")
    monkeypatch.setenv("HOME", "/home/me")
    assert str(mask_file("${MASKS}/{case:03d}/{case}.nii.gz", 7)) == "/m/007/7.nii.gz"
    assert str(mask_file("~/{case}.nii", 12)) == "/home/me/12.nii"
    assert str(mask_file("theirs/{case}.nii", 1)) == "theirs/1.nii"


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_a_mask_is_read_in_canonical_orientation(tmp_path, dtype):
    path = written(tmp_path / "m.nii.gz", liver().astype(dtype))
    np.testing.assert_array_equal(read_given(path, CT, None), liver()[::-1] > 0)


def test_a_mask_lies_where_its_header_says(tmp_path):
    turned = nib.Nifti1Image(liver(), AFFINE).as_reoriented(np.array([[2, 1], [0, -1], [1, -1]]))
    nib.save(turned, tmp_path / "m.nii.gz")
    assert turned.shape != SHAPE
    np.testing.assert_array_equal(read_given(tmp_path / "m.nii.gz", CT, None), liver()[::-1] > 0)


def test_values_are_chosen_by_label(tmp_path):
    values = liver() * 5
    values[1, 2, 1] = 3
    path = written(tmp_path / "m.nii.gz", values)
    assert read_given(path, CT, 5).sum() == 15
    assert read_given(path, CT, [3, 5]).sum() == 16
    assert read_given(path, CT, 4).sum() == 0
    with pytest.raises(UpwindError, match=r"holds 3, 5 beside 0 and 1: say with `label` what is"):
        read_given(path, CT, None)


@pytest.mark.parametrize("label", [None, 1])
@pytest.mark.parametrize("value", [0.37, np.nan, np.inf])
def test_values_that_are_no_whole_numbers_are_refused(tmp_path, value, label):
    mask = liver().astype(np.float32)
    mask[2, 2, 2] = value
    path = written(tmp_path / "m.nii.gz", mask)
    with pytest.raises(UpwindError, match=r"holds \S+, no whole numbers"):
        read_given(path, CT, label)


def test_another_grid_is_refused_with_the_difference(tmp_path):
    path = written(tmp_path / "m.nii.gz", liver()[..., :5].copy())
    with pytest.raises(UpwindError, match=r"m\.nii\.gz .*4 x 5 x 6 against 4 x 5 x 5"):
        read_given(path, CT, None)


def test_a_file_that_is_no_volume_is_refused(tmp_path):
    path = written(tmp_path / "m.nii.gz", np.zeros((3, 4), np.uint8))
    with pytest.raises(UpwindError, match="is no mask on a grid: it has the shape 3 x 4"):
        read_given(path, CT, None)


@pytest.fixture
def folder(tmp_path):
    """CTs of cases 0 to 4; masks: sound, empty, of no whole numbers, missing, cut short."""
    images = {case: written(tmp_path / f"ct-{case}.nii", liver()) for case in range(5)}
    written(tmp_path / "0.nii.gz", liver())
    written(tmp_path / "1.nii.gz", liver() * 0)
    written(tmp_path / "2.nii.gz", liver() * np.float32(0.5))
    whole = written(tmp_path / "4.nii.gz", np.random.default_rng(0).integers(0, 2, SHAPE, np.uint8))
    whole.write_bytes(whole.read_bytes()[:-12])
    return images, {"theirs": {"masks": str(tmp_path / "{case}.nii.gz"), "label": None}}


def test_all_unusable_masks_are_named_at_once_and_an_empty_one_is_usable(folder):
    images, entries = folder
    masks = check_masks(entries, images)
    assert [mask.voxels for mask in masks] == [16, 0, 0, 0, 0]
    with pytest.raises(UpwindError) as refused:
        refuse_unusable(masks)
    said = str(refused.value)
    assert "theirs, case 2: " in said
    assert "no whole numbers" in said
    assert "theirs, case 3: there is no file" in said
    assert "theirs, case 4: 4.nii.gz " in said
    assert "ownload or convert it again." in said
    assert "case 0" not in said
    assert "case 1" not in said
    (line,) = left_out(masks)
    assert line.startswith("theirs is without case 2 (")


def test_what_is_kept_of_them(folder):
    images, entries = folder
    table = masks_table(check_masks(entries, images))
    assert table["usable"].tolist() == [True, True, False, False, False]
    assert usable_cases(table, "theirs") == [0, 1]
    assert list(table) == ["method", "case", "file", "usable", "voxels", "problem"]


def test_a_fold_without_a_mask_is_said(folder):
    images, entries = folder
    masks = check_masks(entries, images)
    check_every_fold(masks, pd.DataFrame({"case": range(5), "fold": [0, 1, 0, 1, 0]}))
    with pytest.raises(UpwindError, match=r"methods\.theirs: no case of fold 1, 2 has a usable"):
        check_every_fold(masks, pd.DataFrame({"case": range(5), "fold": [0, 0, 1, 1, 2]}))


def test_where_the_ct_is_not_there_yet_only_values_are_looked_at(folder, tmp_path):
    _, entries = folder
    written(tmp_path / "0.nii.gz", liver()[:2].copy())
    (mask,) = check_masks(entries, {0: None})
    assert not mask.problem


def test_a_file_is_read_again_when_it_or_the_ct_changes(folder, tmp_path, monkeypatch):
    images, entries = folder
    (tmp_path / ".snakemake").mkdir()
    images = {0: images[0]}
    before = check_masks(entries, images)
    given_masks._known()._save()
    assert (tmp_path / ".snakemake/upwind-masks.json").exists()
    given_masks._known.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(given_masks, "read_given", None)  # is not called
        assert check_masks(entries, images) == before
    os.utime(tmp_path / "ct-0.nii", ns=(1, 1))
    written(tmp_path / "ct-0.nii", liver()[:3].copy())
    (mask,) = check_masks(entries, images)
    assert "another grid" in mask.problem
    assert fingerprint_cache._FOLDER.name == ".snakemake"
    assert read_grid(tmp_path / "ct-0.nii").shape == (3, 5, 6)
