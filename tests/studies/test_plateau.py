"""Trainings to a plateau, against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from upwind.common.intervals import Resampling
from upwind.studies.plan import PlateauRun
from upwind.studies.plateau import (
    on_the_plateau,
    plateau_rows,
    plateau_summary,
    undisturbed_seconds,
)


def test_a_run_says_updates_and_seconds_of_each_point():
    scores = pd.DataFrame({"epoch": [1, 3], "weights": ["last", "averaged"], "parameters": 9})
    scores = scores.assign(case=4, dsc=[0.5, 0.75], dsc_liver_slices=[0.5, 0.875])
    curves = pd.DataFrame({"epoch": [1, 2, 3], "seconds": [1.5, 3.0, 5.0]})
    curves = curves.assign(train_loss=0.2, heldout_loss=0.2, heldout_dsc=[0.1, 0.6, 0.8])
    run = PlateauRun("lsn", "2", 1)
    table = plateau_rows(run, scores, curves, updates_an_epoch=16, failed_below=0.5)
    assert not table["failed"].any()
    assert plateau_rows(run, scores, curves, 16, failed_below=0.9)["failed"].all()
    assert table["updates"].tolist() == [16, 48]
    assert table["seconds"].tolist() == [1.5, 5.0]
    assert table["dsc"].tolist() == [0.5, 0.75]
    assert set(zip(table["variant"], table["fold"], table["seed"], strict=True)) == {
        ("lsn", "2", 1)
    }


def rows(**means):
    """``weights_epoch=[mean of seed 0, of seed 1]``, on two patients 0.1 apart."""
    return pd.DataFrame(
        [
            {"variant": "lsn", "fold": "0", "seed": seed, "weights": weights, "epoch": int(epoch)}
            | {"updates": 16 * int(epoch), "parameters": 7220, "case": case}
            | {"dsc": mean + 0.05 * sign, "failed": False}
            for (weights, epoch), values in ((n.split("_"), v) for n, v in means.items())
            for seed, mean in enumerate(values)
            for case, sign in ((0, -1), (1, 1))
        ]
    )


def test_a_summary_has_a_row_for_each_point_of_each_curve():
    table = rows(last_1=[0.5, 0.6], last_8=[0.8, 0.7], averaged_1=[0.4, 0.4], averaged_8=[0.9, 0.8])
    settings = Resampling(resamples=100, confidence=0.95, seed=0)
    found = plateau_summary(table, {"lsn": 2.5}, settings, within=0.005, span=0.5)
    points = found.set_index(["weights", "epoch"])
    assert list(points.index) == [("last", 1), ("last", 8), ("averaged", 1), ("averaged", 8)]
    assert points["dsc"].tolist() == pytest.approx([0.55, 0.75, 0.4, 0.85])
    assert points["seconds"].tolist() == [2.5, 20.0, 2.5, 20.0]
    assert points["updates"].tolist() == [16, 128, 16, 128]
    best = points.loc["averaged", 8]
    assert (best["lowest"], best["highest"]) == pytest.approx((0.8, 0.9))
    assert best["seed_sd"] == pytest.approx(np.std([0.9, 0.8], ddof=1))
    assert (best["runs"], best["cases"], best["parameters"]) == (2, 2, 7220)
    # Of two seeds' means; from above it is cut to 1.
    low = 0.85 - stats.t.ppf(0.975, 1) * 0.05
    assert (best["low"], best["high"]) == pytest.approx((low, 1))
    assert not points["plateau"].any()


def test_every_column_is_explained():
    told = (Path(__file__).resolve().parents[2] / "results/README.md").read_text()
    section = told.partition("\n## studies\n")[2]
    table = rows(last_1=[0.5], last_8=[0.8])
    found = plateau_summary(table, {"lsn": 2.5}, Resampling(100, 0.95, 0), within=0.005, span=0.5)
    assert not [name for name in set(found) - {"variant"} if f"`{name}`" not in section]


def test_a_run_that_diverged_stays_in_the_curve_and_is_counted():
    """Its last finite weights, after one epoch, are those after 8 and 80 as well."""
    scores = pd.DataFrame({"epoch": [1, 8, 80], "weights": "last", "parameters": 9, "case": 4})
    whole = pd.DataFrame({"epoch": range(1, 81), "seconds": np.arange(1, 81) * 2.0})
    whole = whole.assign(train_loss=0.2, heldout_loss=0.2, heldout_dsc=0.9)
    ended = whole[:2].assign(train_loss=[0.2, np.nan])
    rows = pd.concat(
        plateau_rows(PlateauRun("lsn", "0", seed), scores.assign(**of), curves, 16, 0.5)
        for seed, of, curves in (
            (0, {"dsc": [0.5, 0.8, 0.9], "dsc_liver_slices": 0.9}, whole),
            (1, {"dsc": [0.2, 0.2, 0.2], "dsc_liver_slices": 0.2}, ended),
        )
    )
    assert rows.loc[rows["seed"] == 1, "seconds"].tolist() == [2.0, 4.0, 4.0]
    found = plateau_summary(rows, {"lsn": 2.0}, Resampling(100, 0.95, 0), within=0.005, span=0.333)
    assert found["runs"].tolist() == [2, 2, 2]
    assert found["failed"].tolist() == [1, 1, 1]
    assert found["dsc"].tolist() == pytest.approx([0.35, 0.5, 0.55])
    assert found["lowest"].tolist() == pytest.approx([0.2, 0.2, 0.2])
    assert found["updates"].tolist() == [16, 128, 1280]
    flat = rows.assign(dsc=0.2)
    for failed, plateau in ((False, True), (True, False)):
        table = flat.assign(failed=failed & (flat["seed"] == 1))
        found = plateau_summary(table, {"lsn": 2.0}, Resampling(100, 0.95, 0), 0.005, 0.333)
        assert found["plateau"].tolist() == [plateau] * 3


def plateau(means, span=0.333, epochs=None):
    return on_the_plateau(pd.Series(means, epochs or range(1, len(means) + 1)), 0.005, span)


def test_a_plateau_is_where_a_curve_stays_near_its_end():
    assert plateau([0.5, 0.9, 0.7, 0.9, 0.904, 0.9]) == [False] * 3 + [True] * 3
    assert plateau([0.9] * 6) == [True] * 6


def test_a_plateau_that_is_shorter_than_the_last_third_is_not_reached():
    assert not any(plateau([0.9]))
    assert not any(plateau([0.1, 0.3, 0.5, 0.7, 0.9]))
    rising = [0.8 + 0.0004 * epoch for epoch in range(10, 81, 10)]
    assert not any(plateau(rising, epochs=range(10, 81, 10)))
    near = [0.7, 0.9, 0.9, 0.9]
    assert plateau(near, epochs=[1, 53, 60, 80]) == [False, True, True, True]
    assert not any(plateau(near, epochs=[1, 54, 60, 80]))
    assert plateau(near, 0.25, epochs=[1, 54, 60, 80]) == [False, True, True, True]


def test_seconds_of_an_epoch_are_those_of_the_least_disturbed():
    quiet = pd.DataFrame({"seconds": np.arange(1, 21) * 2.0})
    disturbed = pd.DataFrame({"seconds": np.arange(1, 21) * 7.0})
    assert undisturbed_seconds([quiet, disturbed]) == 2.0
