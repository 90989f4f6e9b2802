"""The same patients segmented by every method, drawn over the CT: those whom one method segments
best, as its median, and worst."""

import functools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import ndimage

from upwind.common.errors import UpwindError
from upwind.figures import style
from upwind.methods import Methods, known_first
from upwind.methods.subsets import UNSEEN

RANKS = ("best", "median", "worst")
HU_WINDOW = (-100.0, 240.0)  # soft tissue: fat to enhanced vessels

# Light colours that differ for colour-blind readers too (Okabe and Ito), on the grey of the CT.
LABEL_COLOUR = "#56B4E9"
MASK_COLOUR = "#F0A000"
_BODY_ABOVE = -400.0  # HU: between air, or lung, and fat
_AROUND_BODY = 4  # pixels
_SCALE_BAR = 50.0  # mm
_MOST_ROWS = 5  # of one method each; more methods stand two in a row
_PAGE = 9.3  # inches
_LEFT, _TOP, _BOTTOM, _TITLE, _GAP = 0.25, 0.28, 0.3, 0.2, 0.06  # inches
_LINE = 0.115  # inches from one line of a method's name to the next
_LETTER = 0.6 * style.SMALLEST / 72  # width in inches


@dataclass(frozen=True)
class GalleryItem:
    """One panel: slices (row, column) in display order, and the case that they come from.

    Attributes:
        method: name of the method, for people.
        colour: of that name.
        rank: ``best``, ``median`` or ``worst``.
        case: name or number of the case.
        dsc: DSC of the whole case, not of the slice.
        ct: slice in HU.
        label, mask: liver label and segmentation of the slice, positive where liver.
        spacing: size of a pixel (row, column) in mm.
    """

    method: str
    colour: str
    rank: str
    case: object
    dsc: float
    ct: np.ndarray
    label: np.ndarray
    mask: np.ndarray
    spacing: tuple[float, float]

    @functools.cached_property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns that are shown."""
        return body_box(self.ct)


def chosen_by(scores: pd.DataFrame, methods: Methods) -> str:
    """Key of the method whose best, median and worst patient are shown: the first network that has
    scores, or else the first method."""
    known = known_first(methods, scores["method"])
    trained = (key for key in known if key in methods and methods[key].trained)
    return next(trained, known[0])


def pick_cases(scores: pd.DataFrame, methods: Methods) -> pd.DataFrame:
    """Best, median and worst unseen patient by DSC of the method of :func:`chosen_by`, as every
    method segmented them.

    Chosen are those patients for whom every method has a defined DSC, or where there are none, all
    of that method. The median patient is the one whose DSC lies nearest to the median, the lower
    of two as near. With fewer than three patients one has several ranks.

    Args:
        scores: rows of ``scores.csv`` (method, fold, case, subset, dsc).
        methods: in whose order they stand.

    Returns:
        Columns method, rank, fold, case, dsc; a method without a patient has no row of them.

    Raises:
        UpwindError: no unseen case has a defined DSC.
    """
    unseen = scores[scores["subset"] == UNSEEN].dropna(subset=["dsc"])
    if unseen.empty:
        raise UpwindError("no unseen case with a defined DSC to show in the gallery")
    by = chosen_by(unseen, methods)
    # Ties by fold and case, so that the choice does not depend on the order of the rows.
    ordered = unseen[unseen["method"] == by].sort_values(["dsc", "fold", "case"])
    of_all = unseen.groupby("case")["method"].nunique() == unseen["method"].nunique()
    common = ordered[ordered["case"].map(of_all)]
    ordered = ordered if common.empty else common
    from_median = (ordered["dsc"] - ordered["dsc"].median()).abs().round(12)
    places = {"best": -1, "median": int(np.argmin(from_median)), "worst": 0}
    picked = []
    for method in known_first(methods, unseen["method"]):
        own = unseen[unseen["method"] == method].drop_duplicates("case").set_index("case")
        for rank in RANKS:
            case = ordered["case"].iloc[places[rank]]
            if case in own.index:
                row = own.loc[case]
                picked.append((method, rank, row["fold"], case, row["dsc"]))
    return pd.DataFrame(picked, columns=["method", "rank", "fold", "case", "dsc"])


def largest_slice(label: np.ndarray) -> int:
    """Index of the slice (slice, row, column) with the largest labelled area.

    The choice looks at the label alone, so it favours no method.
    """
    return int(np.argmax(np.count_nonzero(label, axis=(1, 2))))


def body_box(ct: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of a slice (row, column) in HU that hold the body, with a few pixels around
    it: the largest connected region denser than air; the whole slice where nothing is."""
    regions, count = ndimage.label(ct > _BODY_ABOVE)
    if not count:
        return slice(None), slice(None)
    largest = 1 + int(np.argmax(np.bincount(regions.ravel())[1:]))
    box = ndimage.find_objects(regions)[largest - 1]
    first, second = (
        slice(max(0, part.start - _AROUND_BODY), part.stop + _AROUND_BODY) for part in box
    )
    return first, second


@style.styled
def draw_gallery(
    items: Sequence[GalleryItem], by: str, window: tuple[float, float] = HU_WINDOW
) -> Figure:
    """A row for each method, or for two where there are many, and a column for each rank, in the
    order of ``items``. Slices are cropped to the body; pixels have their true shape, a bar its
    length in mm, and the contours of label and segmentation run along 0.5.

    Args:
        by: title of the method whose ranks they are.
        window: HU that are black and white.

    Raises:
        UpwindError: no items.
    """
    if not items:
        raise UpwindError("the gallery has no cases to show")
    methods = list(dict.fromkeys(item.method for item in items))
    ranks = list(dict.fromkeys(item.rank for item in items))
    side_by_side = 1 if len(methods) <= _MOST_ROWS else 2
    lines = ceil(len(methods) / side_by_side)
    block = style.TEXT_WIDTH / side_by_side
    tallest = min(max(_height(item) for item in items), 1.5)
    highest = (_PAGE - _TOP - _BOTTOM) / lines - _TITLE
    _, height = _panel_size(block - _LEFT, len(ranks), tallest, highest)
    # Names that take more room make panels lower, by less than a tenth.
    broken = {name: _broken(name, 0.9 * height) for name in methods}
    names = _LEFT + _LINE * max(name.count("\n") for name in broken.values())
    width, height = _panel_size(block - names, len(ranks), tallest, highest)
    total = _TOP + _BOTTOM + lines * (height + _TITLE)
    figure = style.new_figure(style.TEXT_WIDTH, total)
    scale = np.tile([style.TEXT_WIDTH, total], 2)
    for item in items:
        beside, row = divmod(methods.index(item.method), lines)
        column = ranks.index(item.rank)
        left = beside * block + names + column * (width + _GAP)
        bottom = total - _TOP - (row + 1) * (height + _TITLE)
        axes = figure.add_axes(tuple(np.array([left, bottom, width, height]) / scale))
        _draw_item(axes, item, window)
        if row == 0:
            figure.text(
                (left + width / 2) / style.TEXT_WIDTH,
                1 - 0.05 / total,
                f"{item.rank}: case {item.case}",
                ha="center",
                va="top",
                size=style.SMALLEST + 0.5,
            )
        if column == 0:
            figure.text(
                (left - names / 2) / style.TEXT_WIDTH,
                (bottom + height / 2) / total,
                broken[item.method],
                color=item.colour,
                rotation=90,
                ha="center",
                va="center",
                linespacing=1.0,
            )
    _draw_legend(figure, by, window)
    return figure


def _panel_size(room: float, columns: int, tallest: float, highest: float) -> tuple[float, float]:
    """Width and height of panels that stand in so many columns of a ``room`` (inches): as high as
    the ``tallest`` is by its width, ``highest`` at most."""
    width = (room - _GAP * columns) / columns
    return width, min(width * tallest, highest)


def _broken(name: str, height: float) -> str:
    """A method's name in lines that are no longer than its panel is high (inches), if its words
    are not."""
    return textwrap.fill(name, max(1, int(height / _LETTER)), break_long_words=False)


def _height(item: GalleryItem) -> float:
    """Of what is shown of it, divided by its width."""
    down, across = (np.ones(n)[part].sum() for n, part in zip(item.ct.shape, item.box, strict=True))
    return float(down * _aspect(item) / across)


def _aspect(item: GalleryItem) -> float:
    """Height of a pixel divided by its width."""
    return item.spacing[0] / item.spacing[1]


def _draw_item(axes: Axes, item: GalleryItem, window: tuple[float, float]) -> None:
    axes.set_axis_off()
    axes.imshow(item.ct, cmap="gray", vmin=window[0], vmax=window[1], aspect=_aspect(item))
    # The label's line is wider, so that it shows on both sides where the two coincide.
    for name, region, colour, linewidth in (
        ("label", item.label, LABEL_COLOUR, 1.5),
        ("mask", item.mask, MASK_COLOUR, 0.8),
    ):
        if np.any(region):
            # A border of background closes contours of what touches the edge of the slice.
            rows, columns = np.arange(-1, region.shape[0] + 1), np.arange(-1, region.shape[1] + 1)
            contour = axes.contour(
                columns,
                rows,
                np.pad(np.asarray(region) > 0, 1).astype(float),
                levels=[0.5],
                colors=colour,
                linewidths=linewidth,
            )
            contour.set_gid(name)
    (top, bottom, _), (left, right, _) = (
        part.indices(size) for part, size in zip(item.box, item.ct.shape, strict=True)
    )
    axes.set_xlim(left - 0.5, right - 0.5)
    axes.set_ylim(bottom - 0.5, top - 0.5)
    axes.set_title(f"DSC {item.dsc:.3f}", pad=3)
    _draw_scale_bar(axes, (right, bottom), item.spacing)
    notes = [
        text
        for text, region in (("no liver labelled", item.label), ("nothing segmented", item.mask))
        if not np.any(region)
    ]
    axes.text(0.5, 0.02, "\n".join(notes), transform=axes.transAxes, color="white", ha="center")
    axes.text(0.02, 0.5, "R", transform=axes.transAxes, color="white", va="center")


def _draw_scale_bar(axes: Axes, corner: tuple[int, int], spacing: tuple[float, float]) -> None:
    """A bar at the lower right ``corner`` (column, row); spacing (row, column) in mm."""
    (right, bottom), (down, across) = corner, spacing
    x, y = right - 0.5 - 4 / across, bottom - 0.5 - 6 / down
    line = axes.plot([x - _SCALE_BAR / across, x], [y, y], color="white", lw=1.5)[0]
    line.set_gid("scale-bar")


def _draw_legend(figure: Figure, by: str, window: tuple[float, float]) -> None:
    handles = [
        Line2D([], [], color=LABEL_COLOUR, lw=1.5, label="liver label"),
        Line2D([], [], color=MASK_COLOUR, lw=0.8, label="segmentation"),
    ]
    said = (
        f"best, median and worst of {by}",
        f"window {window[0]:.0f} to {window[1]:.0f} HU".replace("-", "−"),
        f"bar {_SCALE_BAR:.0f} mm",
        "R: patient's right",
    )
    handles += [Line2D([], [], ls="none", label=text) for text in said]
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=len(handles),
        columnspacing=0.8,
        handletextpad=0.4,
        borderaxespad=0.3,
    )
