"""A study as a picture: variants side by side, or DSC against the number of training patients."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from upwind.common.frames import rows as table_rows
from upwind.figures.style import GREY, INK, PALE, PALETTE, TEXT_WIDTH, new_figure, styled

_ROW = 0.24  # inches for a variant
_LEFT_OUT = "x"  # of a run that failed to train


@styled
def draw_study(rows: pd.DataFrame, summary: pd.DataFrame, title: str) -> Figure:
    """The figure of one study. ``rows`` are :func:`upwind.studies.tables.run_rows` of all its runs,
    ``summary`` is :func:`upwind.studies.tables.summarise` of them."""
    if summary["patients"].nunique() > 1:
        figure = new_figure(TEXT_WIDTH * 0.62, 3.2, layout="constrained")
        _draw_curves(figure.subplots(), rows, summary)
    else:
        height = 1.0 + _ROW * len(summary)
        figure = new_figure(TEXT_WIDTH * 0.8, height, layout="constrained")
        _draw_rows(figure.subplots(), rows, summary)
    figure.axes[0].set_title(title, loc="left")
    return figure


def _draw_rows(axes: Axes, rows: pd.DataFrame, summary: pd.DataFrame) -> None:
    """One line a variant: its runs as dots, its mean with the interval over patients."""
    first = summary.iloc[0]
    axes.axvline(first["dsc"], color=PALE, zorder=0)
    for place, variant in enumerate(table_rows(summary)):
        runs = _means(rows[rows["variant"] == variant.variant])
        for failed, marker, colour in ((False, "o", GREY), (True, _LEFT_OUT, PALETTE[1])):
            chosen = runs.loc[runs["failed"] == failed, "dsc"]
            axes.scatter(
                chosen,
                [place + 0.22] * len(chosen),
                s=8,
                marker=marker,
                color=colour,
                linewidths=0.8,
            )
        axes.plot([variant.low, variant.high], [place, place], color=INK, linewidth=1.2)
        axes.plot(variant.dsc, place, "o", color=PALETTE[0], markersize=4.5)
    names = [
        f"{row.variant.replace('_', ' ')} ({row.failed} of {row.runs} failed)"
        if row.failed
        else row.variant.replace("_", " ")
        for row in table_rows(summary)
    ]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.5)
    axes.set_xlabel(
        "DSC of unseen patients: mean with 95 % interval over patients; small: mean of each run"
    )


def _draw_curves(axes: Axes, rows: pd.DataFrame, summary: pd.DataFrame) -> None:
    """DSC against the number of training patients: the mean over runs, every run as a dot, and the
    standard deviation over runs as a band."""
    summary = summary.assign(count=_counted(summary["patients"]))
    rows = rows.assign(count=_counted(rows["patients"]))
    variants = list(dict.fromkeys(summary["variant"]))
    for number, name in enumerate(variants):
        colour = PALETTE[number % len(PALETTE)]
        runs = _means(rows[rows["variant"] == name])
        by_count = runs.groupby("count")["dsc"].agg(["mean", "std"]).sort_index()
        spread = by_count["std"].fillna(0)
        axes.fill_between(
            by_count.index,
            by_count["mean"] - spread,
            by_count["mean"] + spread,
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        axes.plot(by_count.index, by_count["mean"], color=colour, label=name.replace("_", " "))
        # Beside each other, not on top of each other.
        axes.scatter(runs["count"] * 1.03 ** (number - 0.5), runs["dsc"], s=7, color=colour)
    counts = sorted(summary["count"].unique())
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(counts))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{count:g}" for count in counts])
    axes.set_xlabel("training patients")
    axes.set_ylabel(
        "DSC of unseen patients: mean of each run;\nline and band: mean and sd over runs"
    )
    axes.legend(loc="lower right")


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean DSC of each run over its unseen patients."""
    keys = [name for name in ("fold", "seed", "patients", "count") if name in rows]
    return rows.groupby(keys, as_index=False).agg(dsc=("dsc", "mean"), failed=("failed", "first"))


def _counted(patients: pd.Series) -> pd.Series:
    return patients.astype(int)
