"""DSC against time spent: what more minutes at the level set's parameters bring."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upwind.common.errors import UpwindError
from upwind.figures import style
from upwind.figures.time_axis import scale_time

TEN_MINUTES = 600.0  # seconds: what the paper gave its user
_MARGIN = 1.3  # of the axis of time on either side


@style.styled
def draw_searches(operator: Sequence[pd.DataFrame], blind: Sequence[pd.DataFrame]) -> Figure:
    """The best DSC so far against the seconds spent so far (log), a thin line for each search and
    their mean on top: left the operator's, one search a case, right the blind tuning, one a fold.
    Ten minutes are marked where a search came near them.

    Args:
        operator, blind: histories with the columns spent_seconds and best_dsc, as in
            ``trials-N.csv`` and ``blind/N/trials.csv``.

    Raises:
        UpwindError: no searches.
    """
    if not (len(operator) and len(blind)):
        raise UpwindError("no searches to draw: levelset.cases leaves no case")
    figure = style.new_figure(style.TEXT_WIDTH, 2.8, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw(left, operator, f"ITK-SNAP, oracle-initialised: {len(operator)} cases")
    _draw(right, blind, f"ITK-SNAP, blind: tuned on training patients, {len(blind)} folds")
    left.set_ylabel("best DSC so far, working grid")
    figure.supxlabel("time spent on trials")
    labelled = {
        label: handle
        for axes in (left, right)
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    handles = list(labelled.values())
    labels = list(labelled)
    figure.legend(handles, labels, loc="outside upper center", ncols=len(handles))
    return figure


def mean_over_time(histories: Sequence[pd.DataFrame]) -> tuple[np.ndarray, np.ndarray]:
    """Seconds, and the mean of the searches' best DSC at each: from when every search has its
    first trial; a search that has ended keeps its last."""
    seconds = np.unique(np.concatenate([h["spent_seconds"] for h in histories]))
    seconds = seconds[seconds >= max(h["spent_seconds"].iloc[0] for h in histories)]
    values = [
        h["best_dsc"].to_numpy()[np.searchsorted(h["spent_seconds"], seconds, side="right") - 1]
        for h in histories
    ]
    return seconds, np.mean(values, axis=0)


def _draw(axes: Axes, histories: Sequence[pd.DataFrame], title: str) -> None:
    for number, history in enumerate(histories):
        axes.plot(
            history["spent_seconds"],
            history["best_dsc"],
            drawstyle="steps-post",
            color=style.GREY,
            alpha=0.5,
            linewidth=0.6,
            # A search of a single trial would leave no trace without a mark.
            marker="o" if len(history) == 1 else "none",
            markersize=2,
            label="one case, or one fold's tuning" if number == 0 else None,
            gid=f"search-{number}",
        )
    seconds, mean = mean_over_time(histories)
    last = max(history["spent_seconds"].iloc[-1] for history in histories)
    axes.plot(
        [*seconds, last],
        [*mean, mean[-1]],
        drawstyle="steps-post",
        color=style.PALETTE[0],
        linewidth=1.6,
        label="mean",
        gid="mean",
    )
    near_ten_minutes = last > TEN_MINUTES / 10
    if near_ten_minutes:
        axes.axvline(
            TEN_MINUTES,
            color=style.INK,
            linestyle=":",
            linewidth=0.9,
            label="ten minutes, the paper's",
            gid="ten-minutes",
        )
    first = min(history["spent_seconds"].iloc[0] for history in histories)
    end = max(last, TEN_MINUTES) if near_ten_minutes else last
    scale_time(axes, first / _MARGIN, end * _MARGIN)
    axes.set_title(title)
    axes.grid(axis="y", color=style.PALE, linewidth=0.5)
    axes.set_axisbelow(True)
