"""Methods side by side: every case's scores with means and intervals, and how stable ranks are."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from upwind.common import frames
from upwind.figures import style
from upwind.scores.measures import DISTANCES
from upwind.tables.comparison import OR_DIAGONAL, or_diagonal
from upwind.tables.summary import Tables, measure_title, shown_measures

_JITTER = 0.5  # width over which the cases of a method are laid side by side
_LINES = 40  # cases, up to which a line joins those of one case


@style.styled
def draw_methods(tables: Tables) -> Figure:
    """A panel for DSC, HD95 and NSD at the largest tolerance: points are cases, a case's joined by
    a line; a bar is the mean with its interval. For several methods a fourth shows how often each
    has each rank by DSC when other patients are drawn. Where a mask is empty, the volume's diagonal
    stands for its distances, and their axis is linear to 10 mm and logarithmic from there.
    """
    scores, summary, methods = tables.scores, tables.summary, tables.methods
    measures = shown_measures(summary)
    by_dsc = tables.ranks_by_dsc
    rows = 0.34 * len(methods)
    figure = style.new_figure(style.TEXT_WIDTH, 1.0 + rows, layout="constrained")
    panels = figure.subplots(1, len(measures) + bool(len(by_dsc)), squeeze=False)[0]
    for axes, measure in zip(panels, measures, strict=False):
        _draw_measure(axes, scores, summary, measure, methods)
        axes.set_yticks(range(len(methods)), methods if axes is panels[0] else [""] * len(methods))
    if len(by_dsc):
        _draw_ranks(panels[-1], by_dsc, methods)
    return figure


def _draw_measure(
    axes: Axes, scores: pd.DataFrame, summary: pd.DataFrame, measure: str, methods: Sequence[str]
) -> None:
    plain = measure.removesuffix(OR_DIAGONAL)
    filled = scores[plain] if plain == measure else or_diagonal(scores, plain)
    wide = scores.assign(value=filled).pivot_table("value", "case", "method")
    wide = wide.reindex(columns=list(methods))
    # Spread in the order of the cases instead of by chance: equal data, equal picture.
    spread = ((np.arange(len(wide)) + 0.5) / len(wide) - 0.5) * _JITTER
    places = np.arange(len(methods)) + spread[:, None]
    if len(wide) <= _LINES and len(methods) > 1:
        axes.plot(wide.to_numpy().T, places.T, color=style.PALE, linewidth=0.5, zorder=1)
    for number, method in enumerate(methods):
        axes.scatter(
            wide[method], places[:, number], s=8, color=_colour(number), linewidths=0, alpha=0.7,
            zorder=2, clip_on=False, gid=f"cases-{measure}-{method}",
        )  # fmt: skip
    _draw_means(axes, summary, measure, methods)
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(measure_title(measure))
    if plain != measure:
        axes.set_xlabel(f"{measure_title(measure)}; empty: diagonal")
        axes.set_xscale("symlog", linthresh=10)
        axes.xaxis.set_major_formatter(ScalarFormatter())
    if plain in DISTANCES:
        axes.set_xlim(left=0)


def _draw_means(axes: Axes, summary: pd.DataFrame, measure: str, methods: Sequence[str]) -> None:
    means = {row.method: row for row in frames.rows(summary[summary["measure"] == measure])}
    for number, method in enumerate(methods):
        if method not in means:
            continue
        row = means[method]
        if not pd.isna(row.low):
            axes.plot([row.low, row.high], [number] * 2, color=style.INK, linewidth=1.0, zorder=3)
        axes.plot(
            [row.mean], [number], "|", color=style.INK, markersize=11, markeredgewidth=1.6,
            zorder=4, gid=f"mean-{measure}-{method}",
        )  # fmt: skip


def _draw_ranks(axes: Axes, ranks: pd.DataFrame, methods: Sequence[str]) -> None:
    """In which share of resamples (area of a disc) each method has each rank."""
    count = len(methods)
    for row in frames.rows(ranks):
        number = list(methods).index(row.method)
        for place in range(1, count + 1):
            share = getattr(row, f"rank_{place}")
            if share > 0:
                axes.scatter(
                    place, number, s=260 * share, color=_colour(number), alpha=0.35, linewidths=0
                )
            if share >= 0.005:
                axes.text(place, number, f"{share:.0%}", ha="center", va="center")
    axes.set_xlim(0.4, count + 0.6)
    axes.set_xticks(range(1, count + 1))
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks(range(count), [""] * count)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("rank by DSC")


def _colour(number: int) -> str:
    return style.PALETTE[number % len(style.PALETTE)]
