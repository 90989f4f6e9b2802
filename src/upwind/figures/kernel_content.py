"""How much finite difference is in a layer's kernels, and which hand-crafted ones are nearest."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from upwind.figures.kernel_panels import (
    CHANCE,
    LOOKS,
    PANEL,
    draw_points,
    finish,
    layer_places,
    look_handle,
    network_handles,
    number_layers,
    shade_parts,
)
from upwind.figures.style import INK, PALE, PALETTE, TEXT_WIDTH, new_figure, styled
from upwind.kernels.content import (
    DEFECT,
    ENERGIES,
    SPAN_ANGLES,
    SPAN_DIMENSIONS,
    chance_angle,
)
from upwind.kernels.layers import INITIAL, LSN, TRAINED
from upwind.kernels.sizes import energies_in
from upwind.kernels.stencils import NEAREST

_PUBLISHED = ("black", "*", "published", 0.0)
_PUBLISHED_SIZE, _BESIDE = 6.5, 2.4  # points: of published marks, and of ours where those are there
ORDER_COLOURS = (PALE, *PALETTE[4:8])  # not those of the networks
_RANDOM: dict[str, Any] = {"color": INK, "linestyle": ":", "linewidth": 0.9, "zorder": 1}
_FEW = 100  # kernels, whose intervals may leave the panel


@styled
def draw_content(content: pd.DataFrame, chance: str = CHANCE) -> Figure:
    """How much finite difference is in each layer: energy by order of derivative, mean-zero defect,
    and angles to the spans of the level set equation's stencils; ``content`` is the table of that
    name (:func:`upwind.kernels.measures.measure`). Layers of the level set network stand apart."""
    networks = [name for name in content["network"].unique() if name != LSN]
    cnn = content[content["network"] != LSN]
    lsn = content[content["network"] == LSN]
    places = layer_places(cnn)
    figure = new_figure(TEXT_WIDTH, 1.0 + 5 * PANEL, layout="constrained")
    widths = [len(places), max(len(lsn), 1)]
    grid = figure.subplots(
        5, 2 if len(lsn) else 1, sharex="col", sharey="row", squeeze=False,
        gridspec_kw={"width_ratios": widths if len(lsn) else [1]},
    )  # fmt: skip
    measures = [*SPAN_ANGLES, DEFECT]
    labels = ["angle to upwind\nstencils (°)", "angle to central\nstencils (°)"]
    labels.append("mean-zero defect\n|m00| / length")
    for number, (left, *_) in enumerate(grid):
        shade_parts(left, cnn, places, named=number == 0)
    trained = cnn[cnn["network"] == TRAINED]
    _draw_energy(grid[0, 0], trained, places)
    _draw_energy(grid[1, 0], cnn[cnn["network"] == INITIAL], places)
    for row, text in zip(grid[:2, 0], ("energy by order:\ntrained", chance), strict=True):
        row.set_ylabel(text)
    for row, measure, label in zip(grid[2:], measures, labels, strict=True):
        for name in networks:
            part = cnn[cnn["network"] == name].assign(value=lambda t, m=measure: t[m])
            draw_points(row[0], part, places, LOOKS[name])
        row[0].set_ylabel(label)
        row[0].set_ylim(0, None)
    of_figure2 = len(energies_in(content)) == len(ENERGIES)
    for row, dimensions in zip(grid[2:], SPAN_DIMENSIONS if of_figure2 else (), strict=False):
        for axes in row:
            axes.axhline(chance_angle(dimensions), gid="chance", **_RANDOM)
    if len(lsn):
        _draw_lsn(grid[:, 1], lsn, measures)
    handles: list[Artist] = [*network_handles(cnn, chance)]
    handles += [
        Patch(color=colour, label="order 0, the mean" if name == "mean" else f"order {name}")
        for name, colour in zip(order_names(content), ORDER_COLOURS, strict=True)
    ]
    if of_figure2:
        handles.append(Line2D([], [], label="random kernels (normal weights)", **_RANDOM))
    finish(figure, grid[-1, 0], places, handles)
    return figure


def by_order(content: pd.DataFrame) -> pd.DataFrame:
    """The columns ``energy_0`` to ``energy_4``, the last with all orders above it, which larger
    kernels have."""
    orders = energies_in(content)
    found = content[ENERGIES].copy()
    found[ENERGIES[-1]] = content[orders[len(ENERGIES) - 1 :]].sum(axis=1, min_count=1)
    return found


def order_names(content: pd.DataFrame) -> list[str]:
    """What each of these is called."""
    more = len(energies_in(content)) > len(ENERGIES)
    numbers = [str(order) for order in range(1, len(ENERGIES))]
    return ["mean", *numbers[:-1], f"{numbers[-1]} and more" if more else numbers[-1]]


def _draw_energy(axes: Axes, table: pd.DataFrame, places: dict[int, int]) -> None:
    x = [places[layer] for layer in table["layer"]]
    bottom = np.zeros(len(table))
    energies = by_order(table)
    for name, colour in zip(ENERGIES, ORDER_COLOURS, strict=True):
        axes.bar(x, energies[name], bottom=bottom, color=colour, width=0.82, zorder=2)
        bottom += energies[name].to_numpy()
    axes.set_ylim(0, 1)


def _draw_lsn(column: np.ndarray, table: pd.DataFrame, measures: Sequence[str]) -> None:
    places = layer_places(table)
    _draw_energy(column[0], table, places)
    column[0].set_title("level set network")
    column[1].axis("off")
    look = (INK, "o", "", 0.0)
    for axes, measure in zip(column[2:], measures, strict=True):
        part = table.assign(value=table[measure])
        draw_points(axes, part, places, look)
    column[-1].set_xticks(
        range(len(table)), [name.replace(" stencils", "") for name in table["name"]], rotation=90
    )
    for axes in column:
        axes.tick_params(labelleft=False)


@styled
def draw_nearest(shares: pd.DataFrame, chance: str = CHANCE) -> Figure:
    """Share of each layer's kernels that each hand-crafted kernel is nearest to by its spectrum:
    trained, at initialisation and, where known, as published, the most visible; ``shares`` is the
    table nearest_shares (:func:`upwind.kernels.measures.measure`)."""
    places = layer_places(shares)
    figure = new_figure(TEXT_WIDTH, 6.4, layout="constrained")
    grid = figure.subplots(4, 2, sharex=True).ravel()
    networks = list(dict.fromkeys(shares["network"]))
    published = "share_published" in shares
    for axes, name in zip(grid, NEAREST, strict=False):
        chosen = shares[shares["stencil"] == name]
        if "part" in chosen:
            shade_parts(axes, chosen, places, named=False)
        for network in networks:
            part = chosen[chosen["network"] == network].assign(value=lambda t: t["share"])
            draw_points(axes, part, places, LOOKS[network], _BESIDE if published else 3.5)
        if published:
            part = chosen[chosen["network"] == TRAINED].assign(value=lambda t: t["share_published"])
            draw_points(
                axes, part.drop(columns=["low", "high"]), places, _PUBLISHED, _PUBLISHED_SIZE
            )
        axes.set_title(name.replace("_", " "), loc="left", pad=3)
        axes.set_ylim(0, _top(chosen))
    for axes in grid[len(NEAREST) :]:
        axes.axis("off")
    handles = network_handles(shares, chance)
    handles += [look_handle(_PUBLISHED, _PUBLISHED_SIZE)] if published else []
    grid[len(NEAREST)].legend(handles=handles, loc="center")
    figure.supylabel("share of the layer's kernels")
    number_layers(grid[len(NEAREST) - 1], places)
    grid[len(NEAREST) - 2].tick_params(labelbottom=True)  # below it stands the legend
    return figure


def _top(shares: pd.DataFrame) -> float:
    """Upper limit that holds every share, and the intervals but for those of tiny layers."""
    large = shares.loc[shares["kernels"] >= _FEW, "high"]
    columns = [name for name in ("share", "share_published") if name in shares]
    highest = cast(float, shares[columns].max(axis=None))
    return 1.08 * max(0.05, highest, large.max() if len(large) else 0)
