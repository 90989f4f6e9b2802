"""All layers of a network by name: what is derivative, what is nearest, are there clusters."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from upwind.figures.kernel_content import ORDER_COLOURS, by_order, order_names
from upwind.figures.kernel_panels import LOOKS, look_handle, shortened
from upwind.figures.style import INK, PALE, PALETTE, SMALLEST, TEXT_WIDTH, new_figure, styled
from upwind.kernels.cluster_tendency import SILHOUETTE
from upwind.kernels.cluster_verdicts import CLUSTERS, FAVOURED
from upwind.kernels.content import ENERGIES
from upwind.kernels.layers import INITIAL, TRAINED
from upwind.kernels.stencils import INDETERMINATE, NEAREST

_ROW = 0.17  # inches of a layer
_AROUND = 1.1  # inches above and below
_LONGEST = 40  # letters of a name
_NEAREST_COLOURS = dict(zip(NEAREST, (*PALETTE[:3], *PALETTE[3:6], PALE), strict=True))
_MARKS = {CLUSTERS: "● ", FAVOURED: "○ "}


@styled
def draw_overview(tables: Mapping[str, pd.DataFrame], chance: str) -> Figure:
    """One row for each layer of ``tables["network"]``, the first on top: its name, number and
    kernels; energy by order of derivative; shares of the kernels nearest to each hand-crafted one;
    and the silhouette of its clusters beside a Gaussian's and that of ``chance``. A dot before a
    name marks a layer with clusters, a ring one with favoured directions alone."""
    layers = tables["network"]
    figure = new_figure(TEXT_WIDTH, _AROUND + _ROW * len(layers), layout="constrained")
    energy, nearest, silhouette = figure.subplots(1, 3, sharey=True, width_ratios=[1, 1, 1])
    places = {layer: place for place, layer in enumerate(layers["layer"])}
    content = tables["content"]
    _draw_shares(
        energy,
        by_order(content[content["network"] == TRAINED].set_index("layer")),
        places,
        dict(zip(ENERGIES, ORDER_COLOURS, strict=True)),
    )
    shares = tables["nearest_shares"]
    ours = shares[shares["network"] == TRAINED].pivot(
        index="layer", columns="stencil", values="share"
    )
    _draw_shares(nearest, ours, places, _NEAREST_COLOURS)
    if "cluster_tendency" in tables:
        _draw_silhouettes(silhouette, tables["cluster_tendency"], places)
    _name_rows(energy, tables)
    energy.set_xlabel("energy by order of derivative")
    nearest.set_xlabel("share nearest to")
    silhouette.set_xlabel("silhouette")
    _draw_legends(figure, (energy, nearest, silhouette), tables, chance)
    return figure


def _draw_shares(
    axes: Axes, table: pd.DataFrame, places: Mapping[int, int], colours: Mapping[str, str]
) -> None:
    """Bars of a row's shares, end to end."""
    at = [places[layer] for layer in table.index]
    left = np.zeros(len(table))
    for name, colour in colours.items():
        axes.barh(at, table[name], left=left, color=colour, height=0.8, label=name)
        left += table[name].fillna(0).to_numpy()
    axes.set_xlim(0, 1)


def _draw_silhouettes(axes: Axes, table: pd.DataFrame, places: Mapping[int, int]) -> None:
    """Of the network with its interval, of kernels drawn from each layer's Gaussian as a grey
    band, and of chance."""
    rows = table[table["measure"] == SILHOUETTE]
    for name in (INITIAL, TRAINED):
        colour, marker, *_ = LOOKS[name]
        part = rows[rows["network"] == name]
        at = [places[layer] for layer in part["layer"]]
        if name == TRAINED:
            width = part["reference_high"] - part["reference_low"]
            axes.barh(at, width, left=part["reference_low"], color=PALE, height=0.8)
        axes.hlines(at, part["low"], part["high"], color=colour, linewidth=0.8)
        axes.plot(part["value"], at, marker, color=colour, markersize=3, linestyle="none")


def _name_rows(axes: Axes, tables: Mapping[str, pd.DataFrame]) -> None:
    layers = tables["network"]
    verdicts: dict[int, str] = {}
    if "cluster_verdicts" in tables:
        table = tables["cluster_verdicts"]
        verdicts = dict(zip(table["layer"], table["verdict"], strict=True))
    columns = (layers[column] for column in ("layer", "name", "kernels"))
    names = [
        f"{_MARKS.get(verdicts.get(layer, ''), '')}{layer} {shortened(name, _LONGEST)} ({count:,})"
        for layer, name, count in zip(*columns, strict=True)
    ]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _draw_legends(
    figure: Figure,
    panels: tuple[Axes, Axes, Axes],
    tables: Mapping[str, pd.DataFrame],
    chance: str,
) -> None:
    energy, nearest, silhouette = panels
    orders = [
        Patch(color=colour, label=name)
        for name, colour in zip(order_names(tables["content"]), ORDER_COLOURS, strict=True)
    ]
    stencils = [
        Patch(color=colour, label="none" if name == INDETERMINATE else name.replace("_", " "))
        for name, colour in _NEAREST_COLOURS.items()
    ]
    ours, theirs = look_handle(LOOKS[TRAINED]), look_handle(LOOKS[INITIAL])
    theirs.set_label(chance)
    kinds = [ours, theirs, Patch(color=PALE, label="Gaussian")]
    for axes, handles, columns in (
        (energy, orders, 3),
        (nearest, stencils, 3),
        (silhouette, kinds, 1),
    ):
        axes.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns,
            handlelength=0.9, columnspacing=0.8, labelcolor=INK, fontsize=SMALLEST,
        )  # fmt: skip
