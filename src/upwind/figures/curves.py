"""Training curves of one run and of all runs."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from upwind.common.errors import UpwindError
from upwind.common.wording import count_of
from upwind.figures import style
from upwind.methods import Methods, known_first, title
from upwind.training.verdict import verdict

# Column of the curves: label, colour, line style (the style tells them apart in grey).
_LINES = {
    "train_loss": ("loss, training slices", style.PALETTE[0], "-"),
    "heldout_loss": ("loss, held-out slices", style.PALETTE[1], "--"),
    "heldout_dsc": ("DSC, held-out slices", style.PALETTE[3], "-"),
}
_LOSSES, _DSC = ("train_loss", "heldout_loss"), ("heldout_dsc",)
_COLUMNS = 6  # panels in a row: five folds and the run on all cases
_THRESHOLD: dict[str, Any] = {"color": style.INK, "linestyle": ":", "linewidth": 0.9}


@style.styled
def draw_curves(curves: pd.DataFrame, title: str, failed_below: float | None = None) -> Figure:
    """Loss (left) and held-out DSC (right) of one run.

    Args:
        curves: one row per epoch: epoch, train_loss, heldout_loss, heldout_dsc, seconds (since
            the start).
        title: whose run it is, as :func:`upwind.methods.title` says.
        failed_below: held-out DSC below which the run counts as failed; drawn as a line.

    Raises:
        UpwindError: the run has no epochs.
    """
    _check(curves)
    figure = style.new_figure(style.TEXT_WIDTH, 2.6, layout="constrained")
    loss, dsc = figure.subplots(1, 2)
    for axes, columns in ((loss, _LOSSES), (dsc, _DSC)):
        _draw_lines(axes, curves, columns)
        axes.set_xlabel("epoch")
    loss.set_ylabel("loss (1 − DSC, squared form)")
    dsc.set_ylabel("DSC")
    _draw_threshold(dsc, failed_below)
    for axes in (loss, dsc):  # above the panel, where no curve can run into it
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, borderaxespad=0.2)
    minutes = curves["seconds"].iloc[-1] / 60
    figure.suptitle(
        f"{title}: {_epochs(curves)} in {minutes:.1f} min{_failed(curves, failed_below)}"
    )
    return figure


@style.styled
def draw_all_curves(
    curves: pd.DataFrame, methods: Methods, failed_below: float | None = None
) -> Figure:
    """All runs as small panels: for each of the ``methods`` a row with the losses of each fold, and
    below it one with the held-out DSC.

    ``curves`` has the columns of :func:`draw_curves` and ``method`` and ``fold``. Raises
    UpwindError where there are none.
    """
    _check(curves)
    keys = known_first(methods, curves["method"])
    folds = sorted(curves["fold"].unique(), key=lambda fold: (str(fold) == "all", fold))
    columns = min(len(folds), _COLUMNS)
    parts = [(key, folds[i : i + columns]) for key in keys for i in range(0, len(folds), columns)]
    figure = style.new_figure(style.TEXT_WIDTH, 0.6 + 2.2 * len(parts), layout="constrained")
    panels = figure.subplots(2 * len(parts), columns, sharey=True, sharex=False, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for (method, part), losses, dscs in zip(parts, panels[::2], panels[1::2], strict=True):
        for fold, loss, dsc in zip(part, losses, dscs, strict=False):
            run = curves[(curves["method"] == method) & (curves["fold"] == fold)]
            if run.empty:
                continue
            for axes, shown in ((loss, _LOSSES), (dsc, _DSC)):
                axes.set_axis_on()
                _draw_lines(axes, run, shown)
            loss.tick_params(labelbottom=False)
            failed = _failed(run, failed_below, new_line=True)
            loss.set_title(f"{title(methods, method, fold)}{failed}")
            _draw_threshold(dsc, failed_below)
        losses[0].set_ylabel("loss")
        dscs[0].set_ylabel("DSC")
    figure.supxlabel("epoch")
    drawn = {
        label: line
        for axes in panels.flat
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(drawn.values(), drawn, loc="outside upper center", ncols=len(drawn))
    return figure


def _draw_threshold(axes: Axes, failed_below: float | None) -> None:
    if failed_below is not None:
        rule = f"failed if below {failed_below:g} at the end"
        axes.axhline(failed_below, label=rule, gid="failed-below", **_THRESHOLD)


def _check(curves: pd.DataFrame) -> None:
    if curves.empty:
        raise UpwindError("training curves hold no epoch: was the training interrupted?")


def _draw_lines(axes: Axes, curves: pd.DataFrame, columns: Sequence[str]) -> None:
    for column in columns:
        label, colour, linestyle = _LINES[column]
        axes.plot(
            curves["epoch"],
            curves[column],
            color=colour,
            linestyle=linestyle,
            # A single epoch would leave no trace without a mark.
            marker="o" if len(curves) == 1 else "none",
            markersize=3,
            label=label,
            gid=column,
        )
    axes.set_ylim(0, 1)
    axes.set_xlim(min(curves["epoch"].iloc[0], 1) - 0.5, curves["epoch"].iloc[-1] + 0.5)
    axes.xaxis.set_major_locator(
        MaxNLocator(integer=True, nbins=5, steps=[1, 2, 5, 10], min_n_ticks=1)
    )


def _epochs(curves: pd.DataFrame) -> str:
    return count_of(len(curves), "epoch")


def _failed(curves: pd.DataFrame, failed_below: float | None, new_line: bool = False) -> str:
    failed = failed_below is not None and verdict(curves, failed_below)["failed"]
    return ("\n" if new_line else " ") + "(failed)" if failed else ""
