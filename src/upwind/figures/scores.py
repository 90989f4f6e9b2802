"""DSC of every unseen patient, by method, beside the published means."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from upwind.common.errors import UpwindError
from upwind.common.frames import groups
from upwind.figures import style
from upwind.methods import Methods
from upwind.methods.method import Method
from upwind.methods.subsets import UNSEEN

_SPREAD = 0.6  # width over which the folds of a method are laid side by side
_JITTER = 0.35  # width of a fold's points, as a share of its place
_FEW = 4  # methods whose names stand side by side; more are written aslant
_MARGIN = 0.03  # of DSC, below the lowest patient and above the highest
_NOTE = 14  # letters of a line of published values
_NOTE_LINE = 0.055  # height of such a line, of that of the patients' axis
_PUBLISHED_DATA = "LiTS"  # what the paper's Table I is about
_FOLD_MEAN: dict[str, Any] = {"marker": "_", "ms": 9, "mew": 1.5}
_AVERAGE: dict[str, Any] = {"marker": "D", "ms": 4.5, "mfc": "white", "mec": "black"}


@style.styled
def draw_scores(
    scores: pd.DataFrame,
    methods: Methods,
    published: pd.DataFrame | None = None,
    data: str = _PUBLISHED_DATA,
) -> Figure:
    """Points are patients, laid out by fold within each method; a box shows median and quartiles
    of all patients, with whiskers to the outermost within 1.5 of the box's height. The axis holds
    the patients; published values below it are numbers in a strip of their own.

    Args:
        scores: rows of ``scores.csv`` (method, fold, case, subset, dsc); only unseen patients are
            drawn, and undefined DSC are left out.
        methods: those that are drawn, in their order.
        published: Table I as printed, indexed by fold (``0``, ..., ``avg``), columns as in
            ``table1.csv``. Where a method has such a column, its average is drawn as a diamond, and
            its fold means as bars if there are as many folds as in the paper.
        data: what the patients are of, for people; said where the published values are of others.

    Raises:
        UpwindError: no unseen patient has a defined DSC.
    """
    unseen = scores[scores["subset"] == UNSEEN].dropna(subset=["dsc"])
    drawn = [method for key, method in methods.items() if (unseen["method"] == key).any()]
    if not drawn:
        raise UpwindError("no unseen patient with a defined DSC to draw")
    folds = sorted(unseen["fold"].unique())
    figure = style.new_figure(style.TEXT_WIDTH, 3.6, layout="constrained")
    axes = figure.subplots()
    bottom, top = _limits(unseen["dsc"])
    axes.set_ylim(bottom, top)
    notes: list[Text] = []
    for x, method in enumerate(drawn):
        _draw_method(axes, x, unseen[unseen["method"] == method.key], folds)
        for column in method.columns:
            if published is not None and column.subset == UNSEEN and column.key in published:
                notes += _draw_published(axes, x, published[column.key], folds)
    _make_room(axes, notes)
    _name_methods(axes, drawn)
    axes.set_ylabel(f"DSC of the volume,\nunseen patients of {data}")
    axes.grid(axis="y", color=style.PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    handles = _legend(folds, published)
    figure.legend(
        handles=handles, loc="outside upper center", ncols=min(len(handles), 8), columnspacing=1.0
    )
    if published is not None and data != _PUBLISHED_DATA:
        figure.supxlabel(
            f"Published values are of {_PUBLISHED_DATA}, points of {data}: "
            "their heights do not compare."
        )
    return figure


def _limits(dsc: pd.Series) -> tuple[float, float]:
    """Of the axis: all patients, in steps of 0.05."""
    lowest, highest = dsc.min() - _MARGIN, dsc.max() + _MARGIN
    return max(0.0, np.floor(lowest * 20) / 20), min(1.0, np.ceil(highest * 20) / 20)


def _name_methods(axes: Axes, drawn: Sequence[Method]) -> None:
    aslant: dict[str, Any] = {"rotation": 20, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(
        range(len(drawn)),
        [method.title for method in drawn],
        **(aslant if len(drawn) > _FEW else {}),
    )
    for tick, method in zip(axes.get_xticklabels(), drawn, strict=True):
        tick.set_color(method.colour)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, len(drawn) - 0.5)


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


def _draw_published(axes: Axes, x: int, printed: pd.Series, folds: list[int]) -> list[Text]:
    """Draws what lies on the axis; what lies below it comes back, written below it."""
    bottom = axes.get_ylim()[0]
    known = folds if _same_folds(folds, printed) else []
    places = {_place(x, fold, folds): float(printed[str(fold)]) for fold in known}
    above = {place: value for place, value in places.items() if value >= bottom}
    axes.plot(
        list(above),
        list(above.values()),
        linestyle="none",
        color="black",
        zorder=4,
        gid=f"published-{x}",
        **_FOLD_MEAN,
    )
    average = float(printed["avg"])
    at_average = x + _SPREAD / 2 + 0.1
    if average >= bottom:
        axes.plot(
            [at_average],
            [average],
            linestyle="none",
            color="black",
            zorder=4,
            gid=f"published-average-{x}",
            **_AVERAGE,
        )
    below = [f"{value:.3f}" for place, value in places.items() if place not in above]
    said = textwrap.wrap(", ".join(below), _NOTE)
    if average < bottom:
        said.append(f"all {average:.3f}")
    if not said:
        return []
    note = axes.annotate(
        "\n".join(["published below:", *said]),
        (x, bottom),
        (0, -2),
        textcoords="offset points",
        ha="center",
        va="top",
        linespacing=1.1,
    )
    note.set_gid(f"published-below-{x}")
    return [note]


def _make_room(axes: Axes, notes: Sequence[Text]) -> None:
    """Room for what is written below the patients' axis, which ends where it did."""
    bottom, top = axes.get_ylim()
    ticks = [tick for tick in axes.get_yticks() if bottom - 1e-9 <= tick <= top + 1e-9]
    lines = max((note.get_text().count("\n") + 1.5 for note in notes), default=0)
    axes.set_yticks(ticks)
    axes.set_ylim(bottom - lines * _NOTE_LINE * (top - bottom), top)
    axes.spines["left"].set_bounds(bottom, top)


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
        named = f"published on {_PUBLISHED_DATA}"
        if _same_folds(folds, published):
            handles.append(
                Line2D([], [], ls="none", color="black", label=f"{named}, fold", **_FOLD_MEAN)
            )
        handles.append(Line2D([], [], ls="none", color="black", label=f"{named}, all", **_AVERAGE))
    return handles
