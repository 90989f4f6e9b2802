"""What a study's figure shows."""

import numpy as np
import pandas as pd
import pytest

from upwind.common.intervals import Resampling
from upwind.figures.studies import draw_study
from upwind.figures.style import save
from upwind.studies.tables import summarise


def rows(variants, patients, folds=2, seeds=2, failed=(), weights=("last",)):
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {"variant": v, "patients": p, "fold": fold, "seed": seed, "case": 3 * fold + case}
            | {"dsc": 0.7 + 0.2 * generator.random(), "failed": (v, fold, seed) in failed}
            | {"weights": reading}
            for v in variants
            for reading in weights
            for p in patients
            for fold in range(folds)
            for seed in range(seeds)
            for case in range(3)
        ]
    )


def drawn(table):
    variants = list(dict.fromkeys(table["variant"]))
    summary = summarise(table, variants, {}, Resampling(100, 0.95, 0))
    return draw_study(table, summary, "a study"), summary


def test_one_line_a_variant_with_its_mean_and_its_runs(tmp_path):
    figure, summary = drawn(rows(["lsn", "no_balloon"], ["all"], failed=[("no_balloon", 1, 0)]))
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["lsn", "no balloon (1 of 4 failed)"]
    means = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert means == pytest.approx(summary["dsc"].tolist())
    runs = sum(len(dots.get_offsets()) for dots in axes.collections)
    assert runs == 2 * 2 * 2
    save(figure, tmp_path / "study.png")
    assert (tmp_path / "study.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("folds", "seeds", "mean"),
    [
        (2, 1, "mean with its interval over folds;"),
        (2, 2, "mean with its interval over folds;"),
        (1, 2, "mean with its interval over seeds;"),
        (1, 1, "mean;"),
    ],
)
def test_what_the_interval_is_over_is_said(folds, seeds, mean):
    axes = drawn(rows(["lsn"], ["all"], folds=folds, seeds=seeds))[0].axes[0]
    assert f"unseen patients: {mean}" in axes.get_xlabel()


def test_curves_over_numbers_of_patients():
    figure, _ = drawn(rows(["unet", "lsn"], [2, 4, 8]))
    axes = figure.axes[0]
    assert [line.get_label() for line in axes.lines] == ["unet", "lsn"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "4", "8"]
    assert axes.lines[0].get_xdata().tolist() == [2, 4, 8]
    assert axes.get_xscale() == "log"


def test_both_readings_of_the_weights_stand_beside_each_other():
    both = ("last", "averaged")
    figure, summary = drawn(rows(["lsn", "no_balloon"], ["all"], weights=both))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["lsn", "no balloon"]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in dots] == pytest.approx(summary["dsc"].tolist())
    assert [round(line.get_ydata()[0]) for line in dots] == [0, 0, 1, 1]
    shown = [text.get_text() for text in axes.get_legend().get_texts()]
    assert shown == ["last weights", "averaged weights"]
    figure, _ = drawn(rows(["unet", "lsn"], [2, 4], weights=both))
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert labels == ["unet", "unet, averaged weights", "lsn", "lsn, averaged weights"]
