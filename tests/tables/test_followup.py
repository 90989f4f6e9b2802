"""Synthetic scores of 131 patients beside the published ones."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upwind.data.slices import resample_volume, return_to_grid
from upwind.data.volumes import Grid, Volume
from upwind.scores.raw import RawCases
from upwind.tables.followup import (
    COLUMNS,
    SUMMARY,
    dsc_on_grid,
    followup_table,
    messages,
    scores_on_grid,
    summarise,
)
from upwind.tables.published_followup import published_followup

METHODS = {"plain": "unet", "largest_component": "unet_largest"}
THEIRS = {"plain": "dsc", "largest_component": "dsc_largest_component"}


def scores_of(better):
    """scores.csv and the scores on their grid, where ours is theirs + ``better`` by reading; on the
    CT's grid, 0.001 more."""
    published, rows, on_grid = published_followup(), [], {}
    for reading, method in METHODS.items():
        ours = published[THEIRS[reading]] + better[reading]
        on_grid[reading] = pd.DataFrame({"case": published["case"], "dsc": ours})
        rows.append(
            pd.DataFrame(
                {
                    "method": method,
                    "fold": published["fold"],
                    "case": published["case"],
                    "subset": "unseen",
                    "dsc": ours + 0.001,
                }
            )
        )
    rows.append(rows[0].assign(subset="unseen_liver", dsc=0.1))
    rows.append(rows[0].assign(method="lsn", dsc=0.2))
    return pd.concat(rows, ignore_index=True), on_grid


def test_every_patient_stands_beside_itself():
    scores, on_grid = scores_of({"plain": 0.02, "largest_component": -0.01})
    shuffled = scores.sample(frac=1, random_state=0)
    table = followup_table(shuffled, METHODS, on_grid)
    assert tuple(table.columns) == COLUMNS
    assert table["reading"].tolist() == ["plain"] * 131 + ["largest_component"] * 131
    assert table["case"].tolist() == [*range(131)] * 2
    for reading, by in (("plain", 0.02), ("largest_component", -0.01)):
        part = table[table["reading"] == reading].reset_index(drop=True)
        np.testing.assert_allclose(part["difference"], by, atol=1e-12)
        np.testing.assert_allclose(part["ours"] - part["ours_256"], 0.001, atol=1e-12)
        np.testing.assert_array_equal(part["theirs"], published_followup()[THEIRS[reading]])
        np.testing.assert_array_equal(part["fold"], published_followup()["fold"])


def test_patients_of_both_are_compared():
    scores, on_grid = scores_of({"plain": 0.0, "largest_component": 0.0})
    fewer = {"plain": on_grid["plain"].query("case != 7")}
    table = followup_table(scores[scores["case"] != 100], {"plain": "unet"}, fewer)
    assert table["case"].tolist() == [case for case in range(131) if case not in (7, 100)]


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(0)
    better = {reading: rng.normal(0.01, 0.05, 131) for reading in METHODS}
    scores, on_grid = scores_of(better)
    return better, followup_table(scores, METHODS, on_grid)


def test_the_summary_is_that_of_the_paired_differences(noisy):
    better, table = noisy
    summary = summarise(table, 2000, 0.95, 0)
    assert tuple(summary.columns) == SUMMARY
    assert summary["reading"].tolist() == ["plain"] * 2 + ["largest_component"] * 2
    assert summary["grid"].tolist() == ["256 x 256", "CT"] * 2
    assert (summary["patients"] == 131).all()
    for row in summary.itertuples():
        by = better[row.reading] + (0.001 if row.grid == "CT" else 0)
        theirs = published_followup()[THEIRS[row.reading]]
        assert row.difference == pytest.approx(by.mean())
        assert row.theirs == pytest.approx(theirs.mean())
        assert row.ours == pytest.approx((theirs + by).mean())
        assert row.low < row.difference < row.high
        assert row.better == (by > 0).sum()


def test_a_message_says_what_was_found(noisy):
    summary = summarise(noisy[1], 2000, 0.95, 0)
    plain, largest = messages(summary, 0.95)
    row = summary.iloc[0]
    assert plain == (
        f"The mask as it is: mean DSC {row['ours']:.3f}, theirs 0.885, on 131 patients; difference "
        f"{row['difference']:+.3f} (95% interval {row['low']:+.3f} to {row['high']:+.3f}); "
        f"ours is better on {row['better']}."
    )
    assert largest.startswith("Its largest component: mean DSC ")
    assert "theirs 0.925" in largest


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), width=st.integers(8, 40), height=st.integers(8, 40))
def test_a_mask_made_on_their_grid_comes_back_from_the_cts(seed, width, height):
    """So that our DSC on their grid is that of the network's own output."""
    small, rng = 8, np.random.default_rng(seed)
    masks = rng.random((3, small, small)) > 0.5
    grid = Grid((width, height, 3), np.eye(4))
    on_ct = return_to_grid(masks.astype(np.uint8), grid)
    label = rng.random((width, height, 3)) > 0.5
    small_label = resample_volume(Volume(label.astype(np.uint8), grid, 1, 0), small, np.uint8) > 0
    expected = 2 * (masks & small_label).sum() / (masks.sum() + small_label.sum())
    assert dsc_on_grid(on_ct > 0, label, small) == pytest.approx(expected)


def test_scores_on_the_grid_are_read_from_files(tmp_path):
    rng, expected = np.random.default_rng(0), {}
    for case in (3, 12):
        mask, label = rng.random((2, 512, 512, 2)) > 0.5
        for name, array in (("mask", mask), ("label", label), ("ct", label)):
            image = nib.Nifti1Image(array.astype(np.uint8), np.eye(4))
            nib.save(image, tmp_path / f"{name}-{case}.nii")
        # The display is turned by half, and its second of two pixels is the canonical first.
        expected[case] = dice(mask[::2, ::2], label[::2, ::2])
    raw = RawCases(*({c: tmp_path / f"{n}-{c}.nii" for c in expected} for n in ("ct", "label")))
    table = scores_on_grid(str(tmp_path / "mask-{case}.nii"), expected, raw)
    assert dict(zip(table["case"], table["dsc"], strict=True)) == pytest.approx(expected)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())
