"""Figure 1: the schematic of a UNet, drawn from the live network.

Channels, sizes, skip connections, layer numbers and counts are the network's own, so another UNet
gives another figure.
"""

from dataclasses import dataclass
from math import sqrt

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.path import Path
from torch import nn

from upwind.common.wording import count_of
from upwind.figures import style
from upwind.figures.feature_maps import FeatureMap, feature_maps

# Distances in inches: axes of the schematic are in inches, so text cannot outgrow its place when
# the network changes.
_GAP = 0.17  # between boxes: room for an arrow under a layer number of two digits
_CHARACTER = 0.062  # width of a character of the smallest text
_PITCH = 0.9  # between rows
_BOX_HEIGHTS = (0.6, 0.36)  # of the first row, and at least: two numbers fit one above the other
_SKIP_HEIGHT = 0.15  # of a skip arrow above its boxes
_MARGIN = 0.05
_TOP = 0.5
_LEGEND_HEIGHT = 0.75

_MAP_COLOUR = "#E3EAF3"
_SKIP_COLOUR = "#F6E9C6"
_STEP_COLOURS = {
    "convolution": style.INK,
    "pooling": style.PALETTE[1],
    "upsampling": style.PALETTE[0],
    "head": style.PALETTE[4],
    "skip": "#B07D00",
}


@dataclass(frozen=True)
class _Box:
    """Where a feature map is drawn: centre, width and height in inches."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        return self.y + self.height / 2

    @property
    def bottom(self) -> float:
        return self.y - self.height / 2


@style.styled
def draw_architecture(network: nn.Module, image_size: int) -> Figure:
    """Schematic of ``network`` for slices of ``image_size`` pixels squared.

    Each box is a feature map: channels; pixels below; each row has one resolution; 3x3 convolutions
    carry the layer numbers that Figure 2 uses, in order of execution. Parts of the drawing have
    identifiers (gid), for example ``convolution-11``, ``skip-1`` (outermost), ``map-0``.

    Raises:
        UpwindError: the network is no UNet, or cannot take slices of that size.
    """
    maps = feature_maps(network, image_size)
    boxes, width, height = _layout(maps)
    figure = style.new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    _draw_maps(axes, maps, boxes)
    _draw_steps(axes, maps, boxes)
    _draw_skips(axes, maps, boxes)
    _draw_legend(axes, maps, sum(p.numel() for p in network.parameters()))
    return figure


def _layout(maps: list[FeatureMap]) -> tuple[dict[int, _Box], float, float]:
    """Box of each drawn feature map, and the figure's width and height.

    Convolutions move one column to the right, changes of resolution to another row: a U. An
    up-sampled map is drawn as a part of the concatenation that takes it.
    """
    joined = {maps[j].sources[0] for j in range(len(maps)) if maps[j].step == "concatenation"}
    columns: list[int] = []
    for feature_map in maps:
        before = columns[feature_map.sources[0]] if feature_map.sources else 0
        columns.append(before + (feature_map.step == "convolution"))
    drawn = [i for i in range(len(maps)) if i not in joined]
    widths = [0.0] * (max(columns) + 1)
    for i in drawn:
        widths[columns[i]] = max(widths[columns[i]], _box_width(maps, i))
    gaps = [0.0] + [
        _GAP if maps[columns.index(c)].layer else _GAP + 1.4 * _CHARACTER
        for c in range(1, len(widths))
    ]
    total = sum(widths) + sum(gaps)
    width = max(style.TEXT_WIDTH, total + 2 * _MARGIN)
    left, centres = (width - total) / 2, []
    for gap, column_width in zip(gaps, widths, strict=True):
        centres.append(left + gap + column_width / 2)
        left += gap + column_width
    sizes = sorted({m.size for m in maps}, reverse=True)
    height = _TOP + _PITCH * (len(sizes) - 1) + _BOX_HEIGHTS[0] + _LEGEND_HEIGHT
    boxes = {}
    for i in drawn:
        row = sizes.index(maps[i].size)
        y = height - _TOP - _BOX_HEIGHTS[0] / 2 - row * _PITCH
        box_height = max(_BOX_HEIGHTS[0] - 0.06 * row, _BOX_HEIGHTS[1])
        boxes[i] = _Box(centres[columns[i]], y, _box_width(maps, i), box_height)
    return boxes, width, height


def _parts(maps: list[FeatureMap], i: int) -> list[int]:
    """Channels in the box of map ``i``, from bottom to top: for a concatenation one number for
    each of its sources."""
    if maps[i].step == "concatenation":
        return [maps[source].channels for source in maps[i].sources]
    return [maps[i].channels]


def _box_width(maps: list[FeatureMap], i: int) -> float:
    # Grows with the root of the channels, so that 1 and 64 channels both fit, and never below the
    # width of the number in it.
    most = max(_parts(maps, i))
    return max(0.114 + 0.016 * sqrt(most), len(str(most)) * _CHARACTER + 0.05)


def _draw_maps(axes: Axes, maps: list[FeatureMap], boxes: dict[int, _Box]) -> None:
    labelled = set()
    for i, box in boxes.items():
        parts = _parts(maps, i)
        part_height = box.height / len(parts)
        for level, channels in enumerate(parts):
            bottom = box.bottom + level * part_height
            axes.add_patch(
                Rectangle(
                    (box.left, bottom),
                    box.width,
                    part_height,
                    facecolor=_MAP_COLOUR if level == 0 else _SKIP_COLOUR,
                    edgecolor=style.INK,
                    linewidth=0.7,
                    gid=f"map-{i}" if level == 0 else f"map-{i}-skip",
                )
            )
            axes.text(box.x, bottom + part_height / 2, f"{channels}", ha="center", va="center")
        if maps[i].size not in labelled:  # the first box of a row
            labelled.add(maps[i].size)
            rows, columns = maps[i].size
            axes.text(
                box.left, box.bottom - 0.04, f"{rows} × {columns}", va="top", color=style.GREY
            )
    above = _SKIP_HEIGHT + 0.05
    first, last = boxes[min(boxes)], boxes[max(boxes)]
    axes.text(first.left, first.top + above, "CT slice", va="bottom")
    axes.text(last.right, last.top + above, "liver\nprobability", va="bottom", ha="right")


def _draw_steps(axes: Axes, maps: list[FeatureMap], boxes: dict[int, _Box]) -> None:
    counts = {"pooling": 0, "upsampling": 0}
    for i, feature_map in enumerate(maps):
        if feature_map.step == "convolution":
            start, end = boxes[feature_map.sources[0]], boxes[i]
            kind = "convolution" if feature_map.layer else "head"
            points = [(start.right, end.y), (end.left, end.y)]
            name = f"convolution-{feature_map.layer}" if feature_map.layer else "head"
            label = f"{feature_map.layer or _window(feature_map)}"
            x = (start.right + end.left) / 2
            axes.text(x, end.y + 0.03, label, ha="center", va="bottom", weight="bold", size=7)
        elif feature_map.step in counts:
            kind = feature_map.step
            counts[kind] += 1
            name = f"{kind}-{counts[kind]}"
            start = boxes[feature_map.sources[0]]
            # An up-sampled map has no box of its own: it is in that of its concatenation.
            end = boxes[i] if i in boxes else boxes[_taker(maps, i)]
            points = (
                # To the left of the middle: a skip arrow leaves on the right.
                [(end.x - 0.05, start.bottom), (end.x - 0.05, end.top)]
                if kind == "pooling"
                else [(end.x, start.top), (end.x, end.bottom)]
            )
        else:
            continue
        axes.add_patch(_arrow(points, kind, name))


def _draw_skips(axes: Axes, maps: list[FeatureMap], boxes: dict[int, _Box]) -> None:
    skips = [(i, source) for i, m in enumerate(maps) for source in m.sources[1:]]
    for number, (i, source) in enumerate(reversed(skips), start=1):
        start, end = boxes[source], boxes[i]
        x, y = start.x + 0.055, start.top + _SKIP_HEIGHT
        points = [(x, start.top), (x, y), (end.x, y), (end.x, end.top)]
        axes.add_patch(_arrow(points, "skip", f"skip-{number}"))
        channels = maps[source].channels
        label = f"level's input, {count_of(channels, 'channel')}"
        axes.text(
            (x + end.x) / 2, y + 0.03, label, ha="center", va="bottom", color=_STEP_COLOURS["skip"]
        )


def _draw_legend(axes: Axes, maps: list[FeatureMap], parameters: int) -> None:
    """Symbols in two rows under the schematic, and the network's counts under them."""
    layers = [m for m in maps if m.layer is not None]
    head = next(m for m in maps if m.step == "convolution" and m.layer is None)
    pooling = next(m for m in maps if m.step == "pooling")
    up = next(m for m in maps if m.step == "upsampling")
    entries = {
        "convolution": f"{_window(layers[0])} convolution, {layers[0].activation}; layer number",
        "pooling": f"{_window(pooling)} max pooling",
        "head": f"{_window(head)} convolution, {head.activation}",
        "skip": "skip connection: concatenated",
        "upsampling": f"{_window(up)} nearest-neighbour up-sampling",
        "map": "feature map: channels; pixels below",
    }
    width = axes.get_xlim()[1]
    lefts = [width / 2 + offset for offset in (-3.4, -0.95, 1.35)]
    for k, (kind, text) in enumerate(entries.items()):
        x, y = lefts[k % 3], 0.56 - 0.19 * (k // 3)
        if kind == "map":
            axes.add_patch(
                Rectangle((x + 0.1, y - 0.06), 0.12, 0.12, fc=_MAP_COLOUR, ec=style.INK, lw=0.7)
            )
        else:
            axes.add_patch(_arrow([(x, y), (x + 0.28, y)], kind, f"legend-{kind}"))
        axes.text(x + 0.35, y, text, va="center")
    kernels = sum(m.channels * maps[m.sources[0]].channels for m in layers)
    axes.text(
        width / 2,
        0.13,
        f"{len(layers)} layers of {_window(layers[0])} convolutions with {kernels:,} kernels; "
        f"{parameters:,} parameters in all",
        ha="center",
        va="center",
        weight="bold",
    )


def _taker(maps: list[FeatureMap], i: int) -> int:
    return next(j for j, m in enumerate(maps) if m.step == "concatenation" and m.sources[0] == i)


def _window(feature_map: FeatureMap) -> str:
    return "×".join(map(str, feature_map.kernel))


def _arrow(points: list[tuple[float, float]], kind: str, name: str) -> FancyArrowPatch:
    return FancyArrowPatch(
        path=Path(points),
        arrowstyle="-|>",
        mutation_scale=6,
        color=_STEP_COLOURS[kind],
        linewidth=0.9,
        linestyle="dashed" if kind == "skip" else "solid",
        joinstyle="miter",
        gid=name,
    )
