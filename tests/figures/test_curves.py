import numpy as np
import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.figures.curves import draw_all_curves, draw_curves
from upwind.methods import catalogue


def run(dsc, **columns):
    dsc = np.asarray(dsc, dtype=float)
    return pd.DataFrame(
        {
            "epoch": np.arange(1, len(dsc) + 1),
            "train_loss": 0.9 - dsc,
            "heldout_loss": 1 - dsc,
            "heldout_dsc": dsc,
            "seconds": 30.0 * np.arange(1, len(dsc) + 1),
            **columns,
        }
    )


def lines(axes):
    return {line.get_gid(): line for line in axes.lines}


def test_curves_hold_the_data_and_the_title_the_run(texts, assert_legible):
    curves = run([0.2, 0.6, 0.7, 0.8])
    figure = draw_curves(curves, "UNet, fold 2", failed_below=0.5)
    loss, dsc = figure.axes
    assert list(lines(loss)) == ["train_loss", "heldout_loss"]
    for axes in (loss, dsc):
        for column, line in lines(axes).items():
            if column != "failed-below":
                np.testing.assert_array_equal(line.get_xdata(), curves["epoch"])
                np.testing.assert_array_equal(line.get_ydata(), curves[column])
    assert list(lines(dsc)["failed-below"].get_ydata()) == [0.5, 0.5]
    assert "UNet, fold 2: 4 epochs in 2.0 min" in texts(figure)
    assert "failed if below 0.5 at the end" in texts(figure)
    assert_legible(figure)


def test_without_a_threshold_none_is_drawn_and_nothing_is_called_failed(texts):
    figure = draw_curves(run([0.01]), "LSN, all cases")
    assert "failed-below" not in lines(figure.axes[1])
    assert "LSN, all cases: 1 epoch in 0.5 min" in texts(figure)
    # A single epoch is a point, which a line alone would not show.
    assert lines(figure.axes[1])["heldout_dsc"].get_marker() == "o"


@pytest.mark.parametrize(
    ("curves", "failed"),
    [
        (run([0.1, 0.6]), False),
        (run([0.6, 0.1]), True),
        (run([0.6, np.nan]), True),  # the loss is no longer finite
    ],
)
def test_a_failed_run_is_called_failed_by_its_last_epoch(curves, failed, texts):
    title = next(t for t in texts(draw_curves(curves, "LSN, fold 2", 0.5)) if t.startswith("LSN"))
    assert ("failed" in title) == failed


def test_all_runs_have_a_panel(texts, assert_legible):
    runs = [
        run([0.3, 0.05 if (method, fold) == ("lsn", 2) else 0.9], method=method, fold=fold)
        for method in ("lsn", "unet")
        for fold in range(5)
    ]
    figure = draw_all_curves(pd.concat(runs), catalogue(), failed_below=0.5)
    panels = [figure.axes[row : row + 5] for row in range(0, 20, 5)]
    titles = [axes.get_title() for row in panels[::2] for axes in row]
    assert titles == [f"UNet, fold {n}" for n in range(5)] + [
        f"LSN, fold {n}" + ("\n(failed)" if n == 2 else "") for n in range(5)
    ]
    # The threshold is one of DSC, and stands where DSC does.
    for losses, dscs in (panels[:2], panels[2:]):
        assert all(set(lines(axes)) == {"train_loss", "heldout_loss"} for axes in losses)
        assert all(set(lines(axes)) == {"heldout_dsc", "failed-below"} for axes in dscs)
    assert lines(panels[3][2])["heldout_dsc"].get_ydata().tolist() == [0.3, 0.05]
    assert texts(figure).count("DSC, held-out slices") == 1
    assert_legible(figure)


def test_many_folds_go_to_further_rows_and_missing_runs_stay_empty(assert_legible):
    folds = [0, 1, 2, 3, 4, 5, 6, "all"]
    runs = [run([0.3, 0.9], method="unet", fold=fold) for fold in folds]
    figure = draw_all_curves(pd.concat([*runs, run([0.5], method="lsn", fold=1)]), catalogue())
    drawn = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert drawn == [f"UNet, fold {n}" for n in range(7)] + ["UNet, all cases", "LSN, fold 1"]
    assert all(bool(axes.lines) == axes.axison for axes in figure.axes)
    assert_legible(figure)


def test_no_epochs_are_an_error():
    with pytest.raises(UpwindError, match="no epoch"):
        draw_curves(run([]), "UNet, fold 0")
    with pytest.raises(UpwindError, match="no epoch"):
        draw_all_curves(run([], method="unet", fold=0), catalogue())
