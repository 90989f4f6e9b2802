"""The study ``plateau``: DSC of unseen patients against updates of the weights, and seconds."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from upwind.figures.style import GREY, PALETTE, TEXT_WIDTH, new_figure, styled
from upwind.figures.time_axis import scale_time
from upwind.settings.training import AVERAGED

_SHOWN_FROM = 0.06  # of the epochs
_AXES = {"updates": "updates of the weights", "seconds": "time of training, one run"}
_MARGINS = 0.7, 1.2  # of the axes


@styled
def draw_plateau(summary: pd.DataFrame) -> Figure:
    """The figure of ``summary``, :func:`upwind.studies.plateau.plateau_summary`: a line for each
    variant and reading of its weights, the band from the lowest to the highest run, and a ring
    where a curve of averaged weights reaches its plateau. The legend says after how many epochs, or
    that it does not."""
    figure = new_figure(TEXT_WIDTH, 3.3, layout="constrained")
    panels = figure.subplots(1, len(_AXES), sharey=True)
    for axes, (column, name) in zip(panels, _AXES.items(), strict=True):
        for place, (variant, part) in enumerate(summary.groupby("variant", sort=False)):
            _draw_variant(axes, part, column, PALETTE[place], str(variant).replace("_", " "))
        axes.set_xlabel(name)
    several = (summary["highest"] > summary["lowest"]).any()
    over = ":\nmean over runs; band: lowest to highest run" if several else ", one run"
    panels[0].set_ylabel(f"DSC of unseen patients{over}")
    # What comes before rises out of nothing, and would press the rest together.
    shown = summary[summary["epoch"] >= _SHOWN_FROM * summary["epoch"].max()]
    panels[0].set_ylim(shown["lowest"].min() - 0.02, summary["highest"].max() + 0.01)
    for axes, column, scale in zip(panels, _AXES, (_scale_updates, scale_time), strict=True):
        below, above = _MARGINS
        scale(axes, below * shown[column].min(), above * shown[column].max())
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure


def _scale_updates(axes: Axes, low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:,.0f}")


def _draw_variant(axes: Axes, part: pd.DataFrame, column: str, colour: str, name: str) -> None:
    first = part.iloc[0]
    failed = f" ({first['failed']} of {first['runs']} failed)" if first["failed"] else ""
    for weights, curve in part.groupby("weights", sort=False):
        averaged = weights == AVERAGED
        axes.fill_between(
            curve[column],
            curve["lowest"],
            curve["highest"],
            color=colour,
            alpha=0.18 if averaged else 0.07,
            linewidth=0,
        )
        axes.plot(
            curve[column],
            curve["dsc"],
            "-" if averaged else ":",
            color=colour,
            linewidth=1.4 if averaged else 1.0,
            label=f"{name}, {first['parameters']:,} parameters, averaged; {_reached(curve)}"
            if averaged
            else f"{name}, last weights{failed}",
        )
        ring = curve[curve["plateau"]].iloc[:1]
        if averaged:
            axes.plot(ring[column], ring["dsc"], "o", color=colour, markersize=5, fillstyle="none")
    axes.grid(axis="y", color=GREY, alpha=0.25, linewidth=0.4)


def _reached(curve: pd.DataFrame) -> str:
    """When the plateau is reached, in words."""
    epochs = curve.loc[curve["plateau"], "epoch"]
    return "plateau not reached" if epochs.empty else f"plateau after {epochs.iloc[0]} epochs"
