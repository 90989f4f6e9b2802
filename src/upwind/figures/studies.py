"""A study as a picture: variants side by side, or DSC against the number of training patients."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from upwind.common.frames import rows as table_rows
from upwind.figures.style import GREY, PALE, PALETTE, TEXT_WIDTH, new_figure, styled
from upwind.settings.training import AVERAGED, LAST

_ROW = 0.24  # inches for a variant and reading of its weights
_LEFT_OUT = "x"  # of a run that failed to train


@dataclass(frozen=True)
class _Look:
    label: str
    colour: str
    line: str
    marker: str


_READINGS = {
    LAST: _Look("last weights", PALETTE[0], "-", "o"),
    AVERAGED: _Look("averaged weights", PALETTE[3], "--", "s"),
}


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
    """One line a variant: its runs as dots, its mean with its interval, if it has one, by each
    reading of the weights."""
    first = summary.iloc[0]
    axes.axvline(first["dsc"], color=PALE, zorder=0)
    readings = list(summary["weights"].unique())
    variants = list(summary["variant"].unique())
    for variant in table_rows(summary):
        place = variants.index(variant.variant) + _beside(readings.index(variant.weights), readings)
        runs = _means(_of_curve(rows, variant.variant, variant.weights))
        for failed, marker, colour in ((False, "o", GREY), (True, _LEFT_OUT, PALETTE[1])):
            chosen = runs.loc[runs["failed"] == failed, "dsc"]
            axes.scatter(
                chosen,
                [place + 0.14] * len(chosen),
                s=5,
                marker=marker,
                color=colour,
                linewidths=0.8,
            )
        look = _READINGS[variant.weights]
        axes.plot([variant.low, variant.high], [place, place], color=look.colour, linewidth=1.2)
        axes.plot(variant.dsc, place, "o", color=look.colour, markersize=4, label=look.label)
    names = [
        f"{row.variant.replace('_', ' ')} ({row.failed} of {row.runs} failed)"
        if row.failed
        else row.variant.replace("_", " ")
        for row in table_rows(summary.drop_duplicates("variant"))
    ]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.5)
    axes.set_xlabel(f"DSC of unseen patients: mean{_interval_of(rows)}; small: mean of each run")
    if len(readings) > 1:
        handles, labels = axes.get_legend_handles_labels()
        shown = dict(zip(labels, handles, strict=True))
        axes.legend(shown.values(), shown, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)


def _interval_of(rows: pd.DataFrame) -> str:
    """What the intervals of these runs are over, as :func:`upwind.studies.intervals.over_networks`
    has it."""
    several = [name for name in ("fold", "seed") if rows[name].nunique() > 1]
    return f" with its interval over {several[0]}s" if several else ""


def _draw_curves(axes: Axes, rows: pd.DataFrame, summary: pd.DataFrame) -> None:
    """DSC against the number of training patients: the mean over runs, every run as a dot, and the
    standard deviation over runs as a band; averaged weights dashed."""
    summary = summary.assign(count=_counted(summary["patients"]))
    rows = rows.assign(count=_counted(rows["patients"]))
    curves = list(summary[["variant", "weights"]].drop_duplicates().itertuples(index=False))
    variants = list(summary["variant"].unique())
    for number, (name, weights) in enumerate(curves):
        colour, look = PALETTE[variants.index(name) % len(PALETTE)], _READINGS[weights]
        runs = _means(_of_curve(rows, name, weights))
        by_count = runs.groupby("count")["dsc"].agg(["mean", "std"]).sort_index()
        spread = by_count["std"].fillna(0)
        axes.fill_between(
            by_count.index,
            by_count["mean"] - spread,
            by_count["mean"] + spread,
            color=colour,
            alpha=0.12,
            linewidth=0,
        )
        label = name.replace("_", " ") + (f", {look.label}" if weights != LAST else "")
        axes.plot(by_count.index, by_count["mean"], look.line, color=colour, label=label)
        # Beside each other, not on top of each other.
        beside = 1.03 ** (number - (len(curves) - 1) / 2)
        axes.scatter(runs["count"] * beside, runs["dsc"], s=7, color=colour, marker=look.marker)
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


def _of_curve(rows: pd.DataFrame, variant: str, weights: str) -> pd.DataFrame:
    return rows[(rows["variant"] == variant) & (rows["weights"] == weights)]


def _beside(place: int, readings: list[str]) -> float:
    """Where in a variant's line a reading stands."""
    return 0.36 * (place - (len(readings) - 1) / 2)


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean DSC of each run over its unseen patients."""
    keys = [name for name in ("fold", "seed", "patients", "count") if name in rows]
    return rows.groupby(keys, as_index=False).agg(dsc=("dsc", "mean"), failed=("failed", "first"))


def _counted(patients: pd.Series) -> pd.Series:
    return patients.astype(int)
