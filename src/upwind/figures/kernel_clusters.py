"""Figure 2: the 3x3 kernels of each layer on the principal axes of all of them."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from upwind.common.errors import UpwindError
from upwind.common.frames import rows
from upwind.figures import style
from upwind.figures.kernel_density import FEW, draw_density
from upwind.kernels.clustering import Clustering

# Layers that the paper's Figure 2 shows; by its caption 1 and 3 to 10 look like layer 11.
PAPER_LAYERS = (2, *range(11, 19))

_MARKERS = ("s", "D", "^", ">", "P", "X")  # of the hand-crafted kernels
_MARK: dict[str, Any] = {"ls": "none", "ms": 5.5, "mfc": "white", "mec": "black", "zorder": 4}
_POINT_AREA = 5.0  # points squared
_LEAST_ASPECT = 0.65  # shorter side of a panel divided by its longer side
# The axes hold this central share of the kernels, and beyond it this multiple of its range on
# either side: 6.9 standard deviations of normally distributed weights, so only outliers are cut.
_CORE, _BEYOND_CORE = 0.98, 1.0
_PADDING = 0.06  # free margin around all points, as a share of their range
# Inches of the figure that are not panels: legend on top, gaps and axis labels.
_TOP, _BOTTOM, _LEFT, _RIGHT, _BETWEEN_ROWS, _BETWEEN_COLUMNS = 0.42, 0.4, 0.62, 0.08, 0.24, 0.1


@style.styled
def draw_clusters(
    clustering: Clustering, layers: Sequence[int] | None = PAPER_LAYERS, columns: int | None = None
) -> Figure:
    """One panel for each of ``layers`` (None: all), coloured by k-means cluster, in so many
    ``columns`` (None: 3, or 4 where 3 would not fit a page). A kernel is a point; where they are
    many, the density of points is drawn.

    All panels have the same axes with equal scales, so distances compare and the hand-crafted
    kernels, projected like the learned ones, stand at the same place in each. Clusters are found
    in each layer for itself and numbered along the first axis, so a colour in two panels need not
    mean the same kernels. Far outliers are drawn as rings on the frame.

    Raises:
        UpwindError: a layer is not in the clustering, or there are more clusters than colours.
    """
    known = clustering.layers["layer"].tolist()
    layers = known if layers is None else list(layers)
    missing = sorted(set(layers) - set(known))
    if missing:
        raise UpwindError(f"no clustering of layers {missing}: the network has layers {known}")
    clusters = int(clustering.kernels["cluster"].max())
    if clusters > len(style.PALETTE):
        raise UpwindError(
            f"{clusters} clusters, but only {len(style.PALETTE)} colours that readers can tell "
            "apart: use fewer clusters"
        )
    shown = clustering.kernels[clustering.kernels["layer"].isin(layers)]
    limits = panel_limits(shown, clustering.stencils)
    figure, panels = new_panels(len(layers), columns or (3 if len(layers) <= 12 else 4), limits)
    for axes, layer in zip(panels, layers, strict=True):
        kernels = shown[shown["layer"] == layer]
        _draw_points(axes, kernels)
        _draw_stencils(axes, clustering.stencils)
        axes.set_title(f"Layer {layer}: {len(kernels):,} kernels", pad=3)
    _draw_labels(figure, clustering, clusters)
    return figure


def panel_limits(kernels: pd.DataFrame, stencils: pd.DataFrame) -> np.ndarray:
    """Lower and upper limits ((x, x), (y, y)) that hold every stencil and, but for far outliers,
    every kernel: a few of those would shrink all the others to a blot."""
    points, marks = (table[["pc1", "pc2"]].to_numpy() for table in (kernels, stencils))
    low, high = np.quantile(points, [(1 - _CORE) / 2, (1 + _CORE) / 2], axis=0)
    beyond = _BEYOND_CORE * (high - low)
    low = np.minimum(np.maximum(points.min(axis=0), low - beyond), marks.min(axis=0))
    high = np.maximum(np.minimum(points.max(axis=0), high + beyond), marks.max(axis=0))
    span = (high - low) + 2 * _PADDING * (high - low).max()
    # Panels much wider than high, or the reverse, have no room for names and labels.
    span = np.maximum(span, span[::-1] * _LEAST_ASPECT)
    middle = (low + high) / 2
    return np.stack([middle - span / 2, middle + span / 2], axis=1)


def new_panels(
    count: int, columns: int, limits: np.ndarray, top: float = _TOP
) -> tuple[Figure, list[Axes]]:
    """Figure of the printed width with ``count`` panels of equal scale on both axes, and ``top``
    inches above them."""
    columns = min(columns, count)
    lines = ceil(count / columns)
    width = style.TEXT_WIDTH - _LEFT - _RIGHT - _BETWEEN_COLUMNS * (columns - 1)
    panel_width = width / columns
    spans = np.diff(limits, axis=1)[:, 0]
    panel_height = panel_width * spans[1] / spans[0]
    height = top + _BOTTOM + lines * panel_height + (lines - 1) * _BETWEEN_ROWS
    figure = style.new_figure(style.TEXT_WIDTH, height)
    panels: list[Axes] = []
    for i in range(count):
        row, column = divmod(i, columns)
        left = _LEFT + column * (panel_width + _BETWEEN_COLUMNS)
        bottom = height - top - (row + 1) * panel_height - row * _BETWEEN_ROWS
        box = np.array([left, bottom, panel_width, panel_height])
        axes = figure.add_axes(
            tuple(box / np.tile([style.TEXT_WIDTH, height], 2)), xlim=limits[0], ylim=limits[1]
        )
        lowest = i + columns >= count
        axes.tick_params(length=2, labelleft=column == 0, labelbottom=lowest)
        axes.locator_params(nbins=5)
        axes.spines[["top", "right"]].set_visible(True)
        panels.append(axes)
    return figure, panels


def _draw_points(axes: Axes, kernels: pd.DataFrame) -> None:
    places = kernels[["pc1", "pc2"]].to_numpy()
    colours = np.array(style.PALETTE)[kernels["cluster"] - 1]
    if len(kernels) > FEW:  # as points they would cover each other
        draw_density(axes, kernels)
    else:
        # One collection in the kernels' own order: no cluster is drawn over the others.
        x, y = places.T
        axes.scatter(x, y, c=colours, s=_POINT_AREA, linewidths=0, alpha=0.7, gid="kernels")
    limits = np.array([axes.get_xlim(), axes.get_ylim()])
    outside = ((places < limits[:, 0]) | (places > limits[:, 1])).any(axis=1)
    on_frame = np.clip(places[outside], limits[:, 0], limits[:, 1])
    axes.scatter(
        on_frame[:, 0],
        on_frame[:, 1],
        s=2.5 * _POINT_AREA,
        facecolors="white",
        edgecolors=colours[outside].tolist(),
        linewidths=0.8,
        clip_on=False,
        zorder=3,
        gid="outside",
    )


def _draw_stencils(axes: Axes, stencils: pd.DataFrame) -> None:
    for marker, stencil in zip(_MARKERS, rows(stencils), strict=True):
        axes.plot(
            stencil.pc1, stencil.pc2, marker=marker, gid=f"stencil-{stencil.stencil}", **_MARK
        )


def _name(stencil: str) -> str:
    return stencil.replace("_", " ")


def label_axes(figure: Figure, clustering: Clustering) -> None:
    """Name both principal axes and the variance that each explains."""
    first, second = clustering.axes["explained_variance_ratio"].iloc[:2]
    figure.supxlabel(
        f"PC 1 ({first:.1%} of the variance)",
        y=0.05 / figure.get_figheight(),
        va="bottom",
    )
    figure.supylabel(f"PC 2 ({second:.1%} of the variance)", x=0.05 / style.TEXT_WIDTH, ha="left")


def _draw_labels(figure: Figure, clustering: Clustering, clusters: int) -> None:
    label_axes(figure, clustering)
    handles = [
        Line2D([], [], marker="o", ls="none", ms=4, color=colour, label=f"cluster {number}")
        for number, colour in enumerate(style.PALETTE[:clusters], start=1)
    ]
    handles += [
        Line2D([], [], marker=marker, label=_name(name), **_MARK)
        for marker, name in zip(_MARKERS, clustering.stencils["stencil"], strict=True)
    ]
    rings = figure.findobj(lambda a: a.get_gid() == "outside")
    if any(isinstance(c, Collection) and np.size(c.get_offsets()) for c in rings):
        outside: dict[str, Any] = {"marker": "o", "ms": 4, "mfc": "white", "mec": "black"}
        handles.append(Line2D([], [], ls="none", label="outside", **outside))
    figure.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=len(handles),
        columnspacing=0.9,
        handletextpad=0.1,
        borderaxespad=0.3,
    )
