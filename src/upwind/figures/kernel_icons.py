"""Figure 2 to be read: densities where points overlap, and kernels as images."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Rectangle

from upwind.common.frames import rows
from upwind.figures import style
from upwind.figures.kernel_clusters import PAPER_LAYERS, label_axes, new_panels, panel_limits
from upwind.figures.kernel_density import FEW, draw_density
from upwind.figures.kernel_panels import shortened
from upwind.kernels.clustering import Clustering
from upwind.kernels.layers import BOTTLENECK, DECODER, ENCODER
from upwind.kernels.sizes import middle_plane, weights_in

# Encoder and decoder told apart by the colour of frame and title.
_PART_COLOURS = {ENCODER: style.PALETTE[3], BOTTLENECK: style.GREY, DECODER: style.PALETTE[4]}
_TOP = 0.78  # inches for both lines of the legend
_LONGEST_NAME = 22  # letters, above a panel
_ICON = 0.14  # inches
_PIXELS = 10  # of an icon's weight along a side: edges stay sharp in every viewer
_BAND = 0.17  # of the kernels' height, below and above them, for the icons
_WEIGHT_COLOURS = colormaps["RdBu_r"]


@style.styled
def draw_icons(
    clustering: Clustering,
    layers: Sequence[int] | None = PAPER_LAYERS,
    parts: Mapping[int, str] | None = None,
    names: Mapping[int, str] | None = None,
) -> Figure:
    """One panel for each of ``layers`` (None: all) on the two first principal axes.

    Colour is the cluster (mixed where clusters overlap), depth the density of kernels. Icons of the
    hand-crafted kernels stand at the top, framed in black, those of the cluster centres at the
    bottom, framed in their colour, each with a line to where it is projected. Icons show weights,
    red positive, blue negative, all in one scale: the largest weight of any centre has the deepest
    colour, and what is larger in a hand-crafted kernel has it too. ``parts`` says of layers whether
    they are encoder, bottleneck or decoder, ``names`` what a network calls them.
    """
    layers = clustering.layers["layer"].tolist() if layers is None else list(layers)
    shown = clustering.kernels[clustering.kernels["layer"].isin(layers)]
    limits = panel_limits(shown, clustering.stencils)
    limits[1] += np.array([-1, 1]) * _BAND * (limits[1, 1] - limits[1, 0])
    columns = 3 if len(layers) <= 12 else 4
    figure, panels = new_panels(len(layers), columns, limits, _TOP)
    weights = weights_in(shown)
    centres = shown.groupby(["layer", "cluster"])[[*weights, "pc1", "pc2"]].mean()
    largest = float(np.abs(centres[weights].to_numpy()).max())
    for axes, layer in zip(panels, layers, strict=True):
        kernels = shown[shown["layer"] == layer]
        _draw_kernels(axes, kernels)
        _draw_stencils(axes, clustering.stencils, largest)
        _draw_centres(axes, centres.loc[layer], largest)
        name = shortened(names[layer], _LONGEST_NAME) if names else ""
        _draw_title(axes, f"{layer} {name}".rstrip(), len(kernels), (parts or {}).get(layer))
    label_axes(figure, clustering)
    _draw_legend(figure, clustering, largest)
    return figure


def _draw_kernels(axes: Axes, kernels: pd.DataFrame) -> None:
    """Their density, and where they are few each of them."""
    draw_density(axes, kernels)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    points = kernels[["pc1", "pc2"]].to_numpy()
    outside = ((points < (left, bottom)) | (points > (right, top))).any(axis=1).sum()
    if outside:
        axes.text(0.98, 0.02, f"{outside} outside", transform=axes.transAxes, ha="right")
    if len(kernels) <= FEW:
        axes.scatter(
            points[:, 0],
            points[:, 1],
            c=np.array(style.PALETTE)[kernels["cluster"] - 1],
            s=1.6,
            linewidths=0,
            zorder=2,
            gid="kernels",
        )


def _draw_stencils(axes: Axes, stencils: pd.DataFrame, largest: float) -> None:
    """Hand-crafted kernels along the top, in the order of their first coordinate, each with a line
    to its place."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    height = top - 0.45 * _BAND * (top - bottom)
    for slot, stencil in enumerate(rows(stencils.sort_values("pc1")), start=1):
        weights = stencils.loc[stencil.Index, weights_in(stencils)].to_numpy(float)
        place = (left + (right - left) * slot / (len(stencils) + 1), height)
        mark = (stencil.pc1, stencil.pc2)
        axes.plot(*zip(mark, place, strict=True), color="black", linewidth=0.5, zorder=4)
        axes.plot(*mark, "o", color="black", mec="white", mew=0.5, markersize=3.5, zorder=4)
        _draw_icon(axes, icon(weights, largest), place, "black", f"stencil-{stencil.stencil}")


def _draw_centres(axes: Axes, centres: pd.DataFrame, largest: float) -> None:
    """Cluster centres along the bottom, in the order of the clusters, each with a line to where it
    is projected."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    height = bottom + 0.45 * _BAND * (top - bottom)
    for number, centre in zip(centres.index.tolist(), centres.to_numpy(), strict=True):
        place = (left + (right - left) * number / (len(centres) + 1), height)
        colour = style.PALETTE[int(number) - 1]
        mark = np.clip(centre[-2:], (left, bottom), (right, top))
        for width, ink in ((1.8, "white"), (0.8, colour)):
            axes.plot(*zip(mark, place, strict=True), color=ink, linewidth=width, zorder=3)
        axes.plot(*mark, "o", color=colour, mec="white", mew=0.6, markersize=4, zorder=3)
        image = icon(centre[:-2], largest)
        _draw_icon(axes, image, place, colour, f"centre-{number}")


def _draw_icon(
    axes: Axes, image: np.ndarray, place: tuple[float, float], frame: str, name: str
) -> None:
    """An :func:`icon` centred at ``place`` in data coordinates."""
    box = OffsetImage(image, zoom=72 * _ICON / len(image), interpolation="nearest")
    annotation = AnnotationBbox(
        box,
        place,
        pad=0.08,
        bboxprops={"edgecolor": frame, "linewidth": 1.0},
        zorder=5,
    )
    annotation.set_gid(name)
    axes.add_artist(annotation)


def icon(weights: np.ndarray, largest: float) -> np.ndarray:
    """RGB image of a kernel's weights, row-major: red positive, blue negative, white zero, in the
    deepest colour from ``largest`` on. Of three dimensions the middle plane is shown."""
    image = middle_plane(weights)
    colours = _WEIGHT_COLOURS(0.5 + image / (largest or 1.0) / 2)[..., :3]
    return np.kron(colours, np.ones((_PIXELS, _PIXELS, 1)))


def _draw_title(axes: Axes, layer: str, count: int, part: str | None) -> None:
    title = f"Layer {layer}: {count:,} kernels"
    colour = style.INK if part is None else _PART_COLOURS.get(part, style.INK)
    if part in _PART_COLOURS:
        title += f" ({part})"
        for spine in axes.spines.values():
            spine.set_color(colour)
            spine.set_linewidth(1.2)
    axes.set_title(title, pad=3, color=colour)


def _draw_legend(figure: Figure, clustering: Clustering, largest: float) -> None:
    """First line: the hand-crafted kernels by name. Second: what colours say."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        (0, 1 - _TOP / height, 1, _TOP / height), xlim=(0, width), ylim=(0, _TOP)
    )
    axes.axis("off")
    stencils = clustering.stencils
    slots = np.linspace(0.35, width - 1.0, len(stencils))
    for slot, stencil in zip(slots, rows(stencils), strict=True):
        weights = stencils.loc[stencil.Index, weights_in(stencils)].to_numpy(float)
        image = icon(weights, largest)
        _draw_icon(axes, image, (slot, 0.62), "black", f"legend-{stencil.stencil}")
        axes.text(slot + 0.17, 0.62, stencil.stencil.replace("_", " "), va="center")
    clusters = int(clustering.kernels["cluster"].max())
    for number in range(clusters):
        left = 0.3 + 0.75 * number
        colour = style.PALETTE[number]
        axes.add_patch(Rectangle((left, 0.29), 0.12, 0.12, color=colour))
        axes.text(left + 0.17, 0.35, f"cluster {number + 1}", va="center")
    axes.text(
        0.3 + 0.75 * clusters + 0.1,
        0.35,
        "framed in colour: cluster centres; all icons in one scale: "
        f"blue −{largest:.2g}, red {largest:.2g} or more",
        va="center",
    )
