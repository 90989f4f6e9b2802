"""How often the test for clusters finds what is there: a panel for each kind of clusters."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upwind.common.frames import groups
from upwind.figures.style import GREY, PALETTE, TEXT_WIDTH, new_figure, styled
from upwind.kernels.cluster_power import CLUSTERS, FAVOURED

# Scenario: what is found, the panel's title, the axis.
_PANELS = {
    "three_clusters": (CLUSTERS, "three equal clusters", "distance / standard deviation"),
    "some_apart": (CLUSTERS, "some kernels ten SD apart", "share of the kernels"),
    "signed_stencils": (CLUSTERS, "all are signed stencils", "noise of a weight"),
    "some_sobel": (FAVOURED, "some kernels are Sobel's", "share of the kernels"),
}
_POWER = 0.8  # that studies are usually planned for


@styled
def draw_cluster_power(table: pd.DataFrame) -> Figure:
    """The share of sets in which clusters (favoured directions for Sobel's kernels) are found,
    against their strength, with intervals; a line for each number of kernels. ``table``:
    :func:`upwind.kernels.cluster_power.cluster_power`."""
    figure = new_figure(TEXT_WIDTH, 1.9, layout="constrained")
    panels = figure.subplots(1, len(_PANELS), sharey=True)
    for axes, (scenario, (what, title, label)) in zip(panels, _PANELS.items(), strict=True):
        chosen = table[(table["scenario"] == scenario) & (table["found"] == what)]
        _draw_lines(axes, chosen)
        axes.set(title=title, xlabel=label, ylim=(-0.03, 1.03))
    panels[0].set_ylabel("share of layers in which\nit is found")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    return figure


def _draw_lines(axes: Axes, table: pd.DataFrame) -> None:
    axes.axhline(_POWER, color=GREY, linewidth=0.6, linestyle=":", zorder=1)
    for (size, part), colour in zip(groups(table, "kernels"), PALETTE, strict=False):
        part = part.sort_values("strength")
        x, y = part["strength"], part["share"]
        axes.fill_between(x, part["low"], part["high"], color=colour, alpha=0.15, linewidth=0)
        axes.plot(x, y, "o-", color=colour, markersize=3, label=f"{size} kernels")
