"""Errors of the level set scheme against grid size, with the observed and the expected order."""

from math import ceil

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from upwind.common.errors import UpwindError
from upwind.common.frames import groups
from upwind.figures import style

_MOST_COLUMNS = 3  # of panels, whose titles need room
_TITLES = {
    "expanding": "expanding (constant speed)",
    "shrinking": "shrinking (constant speed)",
    "curvature": "curvature flow (100 x distance)",
    "curvature_distance": "curvature flow (distance)",
    "transport": "transport (constant velocity)",
    "arrival": "arrival times (against scikit-fmm)",
}
# By number of dimensions: name, colour, marker, line style (the last two tell them apart in grey).
_DIMENSIONS = {
    2: ("2-D", style.PALETTE[0], "o", "-"),
    3: ("3-D", style.PALETTE[1], "s", "--"),
}


@style.styled
def draw_convergence(table: pd.DataFrame) -> Figure:
    """A panel for each experiment: error against voxels along the box's width, both logarithmic,
    with the slope of the expected order, and in a corner that order and the ones observed between
    the two finest grids. ``table``: :func:`upwind.levelset.equation.convergence.measure`.

    Raises UpwindError where there are no rows.
    """
    if table.empty:
        raise UpwindError("the table of errors is empty, so there is no convergence to draw")
    names = list(dict.fromkeys(table["experiment"]))
    columns = min(len(names), _MOST_COLUMNS)
    rows = ceil(len(names) / columns)
    figure = style.new_figure(style.TEXT_WIDTH, 0.4 + 2.0 * rows, layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(panels, names, strict=False):
        _draw_panel(axes, name, table[table["experiment"] == name])
    figure.supylabel("mean error near the contour (share of the box's width)")
    figure.supxlabel("voxels along the box's width")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(handles))
    return figure


def _draw_panel(axes: Axes, name: str, table: pd.DataFrame) -> None:
    expected = table["expected_order"].iloc[0]
    orders = []
    for dimensions, part in groups(table, "dimensions"):
        label, colour, marker, line = _DIMENSIONS[dimensions]
        size, error = part["size"].to_numpy(float), part["error"].to_numpy()
        slope = error[0] * (size / size[0]) ** -expected
        axes.plot(size, slope, color=style.GREY, linewidth=0.8, linestyle=":", label=None)
        axes.plot(size, error, color=colour, marker=marker, markersize=3, ls=line, label=label)
        orders.append(f"{label}: {part['order'].iloc[-1]:.2f}")
    axes.lines[0].set_label("slope of the expected order")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator([16, 32, 64, 128, 256]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set_xlim(10, 300)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_title(_TITLES.get(name, name))
    text = f"order {expected:g} expected\n" + "\n".join(orders)
    # Errors fall to the right, so that this corner is free.
    axes.text(0.98, 0.97, text, ha="right", va="top", transform=axes.transAxes)
