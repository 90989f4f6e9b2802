"""What is measured of kernels, layer by layer: cluster tendency, derivatives, nearest stencils."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from upwind.figures.style import GREY, INK, PALE, PALETTE, TEXT_WIDTH, new_figure, styled
from upwind.kernels.content import DEFECT, ENERGIES, SPAN_ANGLES
from upwind.kernels.layers import INITIAL, LSN, SECOND_SEED, TRAINED, WHOLE
from upwind.kernels.spectrum import NAMES
from upwind.kernels.tendency import FOLDS, GAP, SILHOUETTE, STARTS
from upwind.kernels.tendency import INITIAL as SINCE_START
from upwind.kernels.verdicts import REASONABLE, WEAK

CHANCE = "at initialisation"  # what the network named ``initial`` is
# Each network's colour, marker and name, and how far beside the layer's number it stands.
_LOOKS = {
    TRAINED: (PALETTE[0], "o", "trained", 0.0),
    SECOND_SEED: (PALETTE[3], "D", "trained from another seed", 0.22),
    INITIAL: (PALETTE[1], "s", CHANCE, -0.22),
}
_PUBLISHED = (PALETTE[2], "_", "published", 0.0)
_REFERENCE = "#BBBBBB"
_PANEL = 1.15  # inches
_FEW = 100  # kernels, whose intervals may leave the panel


@styled
def draw_tendency(tendency: pd.DataFrame, chance: str = CHANCE) -> Figure:
    """Silhouette, gap statistic and agreement of k-means for each layer, with intervals, beside the
    same for kernels without clusters; ``tendency`` is the table of
    :func:`upwind.kernels.analysis.measure_tendency`."""
    folds = (tendency["measure"] == FOLDS).any()
    shown = [
        (SILHOUETTE, "silhouette"),
        (GAP, "gap statistic"),
        (STARTS, "ARI between\nk-means starts"),
        *([(FOLDS, "ARI between\nfolds")] if folds else []),
    ]
    figure = new_figure(TEXT_WIDTH, 0.75 + len(shown) * _PANEL, layout="constrained")
    rows = np.atleast_1d(figure.subplots(len(shown), 1, sharex=True))
    places = _places(tendency)
    for axes, (measure, label) in zip(rows, shown, strict=True):
        _shade_parts(axes, tendency, places, named=axes is rows[0])
        chosen = tendency[tendency["measure"] == measure]
        _draw_reference(axes, chosen[chosen["network"] == TRAINED], places)
        for network, part in chosen.groupby("network", sort=False):
            _draw_points(axes, part, places, _LOOKS[network])
        axes.set_ylabel(label)
    _draw_levels(rows[0])
    for axes in rows[2:]:
        axes.set_ylim(min(0, axes.get_ylim()[0]), 1.02)
    handles = _handles(tendency, chance)
    handles.append(Patch(color=_REFERENCE, label="drawn from the layer's Gaussian"))
    if folds:
        look = (PALETTE[2], "v", "folds with the start of training", 0.0)
        since = tendency[tendency["measure"] == SINCE_START]
        _draw_points(rows[-1], since, places, look)
        handles.append(_handle(look))
    _finish(figure, rows[-1], places, handles)
    return figure


def _draw_levels(axes: Axes) -> None:
    """Kaufman and Rousseeuw's reading of a silhouette."""
    axes.set_ylim(min(0, axes.get_ylim()[0]), max(REASONABLE + 0.1, axes.get_ylim()[1]))
    for level, name in ((WEAK, "weak structure"), (REASONABLE, "reasonable structure")):
        axes.axhline(level, color=GREY, linewidth=0.6, linestyle=":", zorder=1)
        axes.annotate(
            f"{name} above",
            (1, level),
            (-2, 1.5),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=GREY,
        )


@styled
def draw_content(content: pd.DataFrame, chance: str = CHANCE) -> Figure:
    """How much finite difference is in each layer: energy by order of derivative, mean-zero defect,
    and angles to the spans of the level set equation's stencils; ``content`` is the table of that
    name (:func:`upwind.kernels.analysis.measure`). Layers of the level set network stand apart."""
    networks = [name for name in content["network"].unique() if name != LSN]
    cnn = content[content["network"] != LSN]
    lsn = content[content["network"] == LSN]
    places = _places(cnn)
    figure = new_figure(TEXT_WIDTH, 1.0 + 5 * _PANEL, layout="constrained")
    widths = [len(places), max(len(lsn), 1)]
    grid = figure.subplots(
        5, 2 if len(lsn) else 1, sharex="col", sharey="row", squeeze=False,
        gridspec_kw={"width_ratios": widths if len(lsn) else [1]},
    )  # fmt: skip
    measures = [*SPAN_ANGLES, DEFECT]
    labels = ["angle to upwind\nstencils (°)", "angle to central\nstencils (°)"]
    labels.append("mean-zero defect\n|m00| / ||q||")
    for number, (left, *_) in enumerate(grid):
        _shade_parts(left, cnn, places, named=number == 0)
    trained = cnn[cnn["network"] == TRAINED]
    _draw_energy(grid[0, 0], trained, places)
    _draw_energy(grid[1, 0], cnn[cnn["network"] == INITIAL], places)
    for row, text in zip(grid[:2, 0], ("energy by order:\ntrained", chance), strict=True):
        row.set_ylabel(text)
    for row, measure, label in zip(grid[2:], measures, labels, strict=True):
        for name in networks:
            part = cnn[cnn["network"] == name].assign(value=lambda t, m=measure: t[m])
            _draw_points(row[0], part, places, _LOOKS[name])
        row[0].set_ylabel(label)
        row[0].set_ylim(0, None)
    if len(lsn):
        _draw_lsn(grid[:, 1], lsn, measures)
    handles = _handles(cnn, chance)
    handles += [
        Patch(color=colour, label="order 0, the mean" if order == 0 else f"order {order}")
        for order, colour in enumerate(_orders())
    ]
    _finish(figure, grid[-1, 0], places, handles)
    return figure


def _orders() -> Sequence[str]:
    return (PALE, *PALETTE[:4])


def _draw_energy(axes: Axes, table: pd.DataFrame, places: dict[int, int]) -> None:
    x = [places[layer] for layer in table["layer"]]
    bottom = np.zeros(len(table))
    for name, colour in zip(ENERGIES, _orders(), strict=True):
        axes.bar(x, table[name], bottom=bottom, color=colour, width=0.82, zorder=2)
        bottom += table[name].to_numpy()
    axes.set_ylim(0, 1)


def _draw_lsn(column: np.ndarray, table: pd.DataFrame, measures: Sequence[str]) -> None:
    places = _places(table)
    _draw_energy(column[0], table, places)
    column[0].set_title("level set network")
    column[1].axis("off")
    look = (INK, "o", "", 0.0)
    for axes, measure in zip(column[2:], measures, strict=True):
        part = table.assign(value=table[measure])
        _draw_points(axes, part, places, look)
    column[-1].set_xticks(
        range(len(table)), [name.replace(" stencils", "") for name in table["name"]], rotation=90
    )
    for axes in column:
        axes.tick_params(labelleft=False)


@styled
def draw_nearest(shares: pd.DataFrame, chance: str = CHANCE) -> Figure:
    """Share of each layer's kernels that each hand-crafted kernel is nearest to by its spectrum:
    trained, at initialisation and, where known, as published; ``shares`` is the table
    nearest_shares (:func:`upwind.kernels.analysis.measure`)."""
    places = _places(shares)
    figure = new_figure(TEXT_WIDTH, 6.4, layout="constrained")
    grid = figure.subplots(4, 2, sharex=True).ravel()
    networks = list(dict.fromkeys(shares["network"]))
    published = "share_published" in shares
    for axes, name in zip(grid, NAMES, strict=False):
        chosen = shares[shares["stencil"] == name]
        if "part" in chosen:
            _shade_parts(axes, chosen, places, named=False)
        for network in networks:
            part = chosen[chosen["network"] == network].assign(value=lambda t: t["share"])
            _draw_points(axes, part, places, _LOOKS[network])
        if published:
            part = chosen[chosen["network"] == TRAINED].assign(value=lambda t: t["share_published"])
            _draw_points(axes, part.drop(columns=["low", "high"]), places, _PUBLISHED, size=9)
        axes.set_title(name.replace("_", " "), loc="left", pad=3)
        axes.set_ylim(0, _top(chosen))
    for axes in grid[len(NAMES) :]:
        axes.axis("off")
    handles = _handles(shares, chance)
    handles += [_handle(_PUBLISHED, size=9)] if published else []
    grid[len(NAMES)].legend(handles=handles, loc="center")
    figure.supylabel("share of the layer's kernels")
    _number(grid[len(NAMES) - 1], places)
    return figure


def _top(shares: pd.DataFrame) -> float:
    """Upper limit that holds every share, and the intervals but for those of tiny layers."""
    large = shares.loc[shares["kernels"] >= _FEW, "high"]
    columns = [name for name in ("share", "share_published") if name in shares]
    return 1.08 * max(0.05, shares[columns].max(axis=None), large.max() if len(large) else 0)


def _places(table: pd.DataFrame) -> dict[int, int]:
    """Where each layer stands along the axis, in the order of their numbers."""
    return {layer: place for place, layer in enumerate(sorted(table["layer"].unique()))}


def _shade_parts(axes: Axes, table: pd.DataFrame, places: dict[int, int], named: bool) -> None:
    """Encoder, bottom and decoder told apart by their ground, and on top by their names."""
    parts = table.drop_duplicates("layer").set_index("layer")["part"]
    for number, part in enumerate(dict.fromkeys(parts)):
        if part == WHOLE:
            continue
        at = [places[layer] for layer in parts.index[parts == part]]
        if number % 2:
            axes.axvspan(min(at) - 0.5, max(at) + 0.5, color="#F3F3F3", zorder=0)
        if named:
            axes.annotate(
                part,
                ((min(at) + max(at)) / 2, 1),
                (0, 2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                va="bottom",
            )


def _draw_reference(axes: Axes, table: pd.DataFrame, places: dict[int, int]) -> None:
    """The interval without clusters as a grey bar behind each layer."""
    known = table.dropna(subset=["reference"])
    x = [places[layer] for layer in known["layer"]]
    heights = known["reference_high"] - known["reference_low"]
    axes.bar(x, heights, bottom=known["reference_low"], width=0.75, color=_REFERENCE, zorder=1)


def _draw_points(
    axes: Axes,
    table: pd.DataFrame,
    places: dict[int, int],
    look: tuple[str, str, str, float],
    size: float = 3.5,
) -> None:
    colour, marker, _, aside = look
    x = np.array([places[layer] for layer in table["layer"]]) + aside
    if "low" in table:
        axes.vlines(x, table["low"], table["high"], color=colour, linewidth=0.8, zorder=3)
    axes.plot(x, table["value"], marker, color=colour, markersize=size, zorder=4, clip_on=False)


def _handles(table: pd.DataFrame, chance: str) -> list[Line2D]:
    """Of the networks in a table; the one named ``initial`` is called ``chance``."""
    names = [name for name in _LOOKS if (table["network"] == name).any()]
    handles = [_handle(_LOOKS[name]) for name in names]
    for name, handle in zip(names, handles, strict=True):
        handle.set_label(chance if name == INITIAL else handle.get_label())
    return handles


def _handle(look: tuple[str, str, str, float], size: float = 3.5) -> Line2D:
    colour, marker, name, _ = look
    return Line2D([], [], color=colour, marker=marker, linestyle="none", ms=size, label=name)


def _number(axes: Axes, places: dict[int, int]) -> None:
    """Layers along the axis: every one, or where they are many some."""
    if len(places) <= 24:
        axes.set_xticks(list(places.values()), [str(layer) for layer in places])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=18))
    axes.set_xlim(-0.6, len(places) - 0.4)
    axes.set_xlabel("layer")


def _finish(figure: Figure, lowest: Axes, places: dict[int, int], handles: list) -> None:
    _number(lowest, places)
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 4))
