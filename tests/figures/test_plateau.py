"""The figure of trainings to a plateau."""

import numpy as np
import pandas as pd
import pytest

from upwind.figures.plateau import draw_plateau
from upwind.figures.style import save

EPOCHS = (1, 5, 20, 80)
DSC = {"unet": (0.0, 0.8, 0.9, 0.93), "lsn": (0.1, 0.7, 0.925, 0.93)}


def summary(failed=0):
    return pd.DataFrame(
        [
            {"variant": name, "weights": weights, "epoch": epoch, "updates": 17 * epoch}
            | {"runs": 3, "failed": failed if name == "lsn" else 0}
            | {"parameters": 7220, "seconds": 1.5 * epoch, "plateau": dsc > 0.92, "dsc": dsc}
            | {"lowest": dsc - 0.01, "highest": dsc + 0.01}
            for name, curve in DSC.items()
            for weights in ("last", "averaged")
            for epoch, dsc in zip(EPOCHS, curve, strict=True)
        ]
    )


def test_each_reading_is_a_line_against_updates_and_against_seconds(tmp_path):
    figure = draw_plateau(summary())
    updates, seconds = figure.axes
    assert updates.get_xlabel() == "updates of the weights"
    lines = [line for line in updates.lines if line.get_marker() != "o"]
    assert [line.get_label() for line in lines] == [
        "unet, last weights",
        "unet, 7,220 parameters, averaged; plateau after 80 epochs",
        "lsn, last weights",
        "lsn, 7,220 parameters, averaged; plateau after 20 epochs",
    ]
    assert lines[3].get_xdata().tolist() == [17, 85, 340, 1360]
    assert lines[3].get_ydata().tolist() == list(DSC["lsn"])
    assert seconds.lines[0].get_xdata().tolist() == [1.5, 7.5, 30.0, 120.0]
    # The first point, which rises out of nothing, is left out of the picture.
    assert updates.get_ylim() == pytest.approx((0.7 - 0.03, 0.93 + 0.02))
    save(figure, tmp_path / "plateau.png")
    assert (tmp_path / "plateau.png").stat().st_size > 0
    ticks = [label.get_text() for label in seconds.get_xticklabels()]
    assert ticks == ["10 s", "1 min", "20 s", "2 min"]


def test_a_ring_stands_where_a_curve_reaches_its_plateau():
    rings = [line for line in draw_plateau(summary()).axes[0].lines if line.get_marker() == "o"]
    assert [ring.get_xdata().tolist() for ring in rings] == [[1360], [340]]
    assert np.all([ring.get_fillstyle() == "none" for ring in rings])


def test_a_plateau_that_is_not_reached_has_no_ring_and_is_said():
    table = summary()
    table["plateau"] &= table["variant"] == "unet"
    lines = draw_plateau(table).axes[0].lines
    rings = [line for line in lines if line.get_marker() == "o"]
    assert [ring.get_xdata().tolist() for ring in rings] == [[1360], []]
    labels = [line.get_label() for line in lines]
    assert "lsn, 7,220 parameters, averaged; plateau not reached" in labels


def test_runs_that_failed_are_counted():
    labels = [line.get_label() for line in draw_plateau(summary(failed=1)).axes[0].lines]
    assert "lsn, last weights (1 of 3 failed)" in labels
    assert "unet, last weights" in labels
