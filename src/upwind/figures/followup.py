"""Our UNet beside that of the authors' follow-up, patient by patient."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upwind.common.frames import groups
from upwind.figures import style

_TITLES = {"plain": "the mask as it is", "largest_component": "its largest component"}
_CHARACTERS = 140  # of a line below the figure


@style.styled
def draw_followup(table: pd.DataFrame, messages: Sequence[str]) -> Figure:
    """A row of panels for each reading of the masks: DSC of ours against theirs, the differences in
    order, and the means of the folds. Everything is on the grid of 256 x 256 pixels.

    Args:
        table: as :func:`upwind.tables.followup.followup_table` makes it.
        messages: sentences that stand below.
    """
    readings = list(groups(table, "reading", sort=False))
    height = 2.5 * len(readings) + 0.5 + 0.13 * len(messages)
    figure = style.new_figure(style.TEXT_WIDTH, height, layout="constrained")
    panels = figure.subplots(len(readings), 3, squeeze=False)
    for (pairs, ordered, means), (reading, part) in zip(panels, readings, strict=True):
        _draw_pairs(pairs, part)
        _draw_ordered(ordered, part)
        _draw_means(means, part)
        ordered.set_title(_TITLES[str(reading)])
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(handles))
    lines = [line for said in messages for line in textwrap.wrap(said, _CHARACTERS)]
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", linespacing=1.4)
    return figure


def _draw_pairs(axes: Axes, part: pd.DataFrame) -> None:
    least = float(part[["ours_256", "theirs"]].to_numpy().min())
    low = max(0.0, np.floor(least * 20) / 20)
    axes.plot([low, 1], [low, 1], color=style.GREY, linewidth=0.8, gid="identity")
    for fold, patients in groups(part, "fold"):
        axes.scatter(
            patients["theirs"],
            patients["ours_256"],
            s=9,
            color=_colour(fold),
            linewidths=0,
            alpha=0.8,
            label=f"fold {fold}",
            gid=f"patients-{fold}",
        )
    axes.set_xlim(low, 1)
    axes.set_ylim(low, 1)
    axes.set_aspect("equal")
    axes.set_xticks(axes.get_yticks()[axes.get_yticks() <= 1][::2])
    axes.set_xlabel("DSC of their UNet")
    axes.set_ylabel("DSC of our UNet")


def _draw_ordered(axes: Axes, part: pd.DataFrame) -> None:
    ordered = part.sort_values("difference", ignore_index=True)
    axes.bar(
        ordered.index,
        ordered["difference"],
        width=1.0,
        color=np.where(ordered["difference"] > 0, style.PALETTE[0], style.GREY),
    )
    mean = part["difference"].mean()
    axes.axhline(0, color=style.INK, linewidth=0.6)
    axes.axhline(mean, color=style.INK, linestyle=":", linewidth=0.9, gid="mean")
    axes.annotate(
        f"mean {mean:+.3f}",
        (0.02, max(mean, 0)),  # over the patients on whom theirs is better
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
    )
    axes.set_xlabel("patients, in order")
    axes.set_ylabel("ours - theirs")


def _draw_means(axes: Axes, part: pd.DataFrame) -> None:
    means = part.groupby("fold")[["ours_256", "theirs"]].mean()
    for x, (fold, row) in enumerate(means.iterrows()):
        axes.plot([x, x], row, color=style.GREY, linewidth=0.8, zorder=1)
        axes.plot([x], [row["ours_256"]], marker="o", ms=5, color=_colour(fold))
        axes.plot([x], [row["theirs"]], marker="o", ms=5, mfc="white", color=_colour(fold))
    axes.set_xticks(range(len(means)), [f"{fold}" for fold in means.index])
    axes.set_xlim(-0.5, len(means) - 0.5)
    axes.set_xlabel("fold")
    axes.set_ylabel("mean DSC: full ours, open theirs")
    axes.grid(axis="y", color=style.PALE, linewidth=0.5)
    axes.set_axisbelow(True)


def _colour(fold: object) -> str:
    return style.PALETTE[int(str(fold)) % len(style.PALETTE)]
