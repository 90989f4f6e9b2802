"""DSC of every unseen patient, by method, beside the published means."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from upwind.common.errors import UpwindError
from upwind.common.frames import groups
from upwind.figures import style
from upwind.methods import Methods
from upwind.methods.subsets import UNSEEN

_SPREAD = 0.6  # width over which the folds of a method are laid side by side
_JITTER = 0.35  # width of a fold's points, as a share of its place


@style.styled
def draw_scores(
    scores: pd.DataFrame, methods: Methods, published: pd.DataFrame | None = None
) -> Figure:
    """Points are patients, laid out by fold within each method; a box shows median and quartiles
    of all patients, with whiskers to the outermost within 1.5 of the box's height.

    Args:
        scores: rows of ``scores.csv`` (method, fold, case, subset, dsc); only unseen patients are
            drawn, and undefined DSC are left out.
        methods: those that are drawn, in their order.
        published: Table I as printed, indexed by fold (``0``, ..., ``avg``), columns as in
            ``table1.csv``. Where a method has such a column, its average is drawn as a diamond, and
            its fold means as bars if there are as many folds as in the paper.

    Raises:
        UpwindError: no unseen patient has a defined DSC.
    """
    unseen = scores[scores["subset"] == UNSEEN].dropna(subset=["dsc"])
    drawn = [method for key, method in methods.items() if (unseen["method"] == key).any()]
    if not drawn:
        raise UpwindError("no unseen patient with a defined DSC to draw")
    folds = sorted(unseen["fold"].unique())
    figure = style.new_figure(style.TEXT_WIDTH, 3.4, layout="constrained")
    axes = figure.subplots()
    for x, method in enumerate(drawn):
        _draw_method(axes, x, unseen[unseen["method"] == method.key], folds)
        for column in method.columns:
            if published is not None and column.subset == UNSEEN and column.key in published:
                _draw_published(axes, x, published[column.key], folds)
    axes.set_xticks(range(len(drawn)), [method.title for method in drawn])
    for tick, method in zip(axes.get_xticklabels(), drawn, strict=True):
        tick.set_color(method.colour)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, len(drawn) - 0.5)
    axes.set_ylim(0, 1)
    axes.set_ylabel("DSC of the volume, unseen patients")
    axes.grid(axis="y", color=style.PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    handles = _legend(folds, published)
    figure.legend(
        handles=handles, loc="outside upper center", ncols=min(len(handles), 8), columnspacing=1.0
    )
    return figure


def _place(x: float, fold: int, folds: list[int]) -> float:
    return x + ((folds.index(fold) + 0.5) / len(folds) - 0.5) * _SPREAD


def _draw_method(axes: Axes, x: int, scores: pd.DataFrame, folds: list[int]) -> None:
    outline = {"color": style.GREY}
    axes.boxplot(
        scores["dsc"],
        positions=[x],
        widths=_SPREAD + 0.1,
        showfliers=False,
        medianprops={"color": style.INK, "linewidth": 1.2},
        boxprops=outline,
        whiskerprops=outline,
        capprops=outline,
    )
    for fold, cases in groups(scores.sort_values("case"), "fold"):
        # Spread in the order of the cases instead of by chance: equal data, equal picture.
        jitter = (np.arange(len(cases)) + 0.5) / len(cases) - 0.5
        axes.scatter(
            _place(x, fold, folds) + jitter * _JITTER * _SPREAD / len(folds),
            cases["dsc"],
            s=9,
            color=_colour(fold, folds),
            linewidths=0,
            alpha=0.8,
            zorder=3,
            gid=f"patients-{x}-{fold}",
        )


def _draw_published(axes: Axes, x: int, printed: pd.Series, folds: list[int]) -> None:
    known = folds if _same_folds(folds, printed) else []
    axes.plot(
        [_place(x, fold, folds) for fold in known],
        [printed[str(fold)] for fold in known],
        linestyle="none",
        marker="_",
        markersize=9,
        markeredgewidth=1.5,
        color="black",
        zorder=4,
        gid=f"published-{x}",
    )
    axes.plot(
        [x + _SPREAD / 2 + 0.1],
        [printed["avg"]],
        linestyle="none",
        marker="D",
        markersize=4.5,
        markerfacecolor="white",
        markeredgecolor="black",
        zorder=4,
        gid=f"published-average-{x}",
    )


def _colour(fold: int, folds: list[int]) -> str:
    return style.PALETTE[folds.index(fold) % len(style.PALETTE)]


def _same_folds(folds: list[int], published: pd.Series | pd.DataFrame) -> bool:
    return [str(fold) for fold in folds] == [i for i in published.index if i.isdigit()]


def _legend(folds: list[int], published: pd.DataFrame | None) -> list[Line2D]:
    handles = [
        Line2D([], [], ls="none", marker="o", ms=3.5, color=_colour(f, folds), label=f"fold {f}")
        for f in folds
    ]
    if published is not None:
        fold_mean: dict[str, Any] = {"marker": "_", "ms": 9, "mew": 1.5}
        average: dict[str, Any] = {"marker": "D", "ms": 4.5}
        if _same_folds(folds, published):
            handles.append(
                Line2D([], [], ls="none", color="black", label="published, fold", **fold_mean)
            )
        handles.append(
            Line2D([], [], ls="none", mfc="white", mec="black", label="published, all", **average)
        )
    return handles
