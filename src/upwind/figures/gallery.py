"""Best, median and worst segmentation of each method, drawn over the CT."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from upwind.common.errors import UpwindError
from upwind.figures import style
from upwind.methods import Methods, known_first
from upwind.methods.subsets import UNSEEN

RANKS = ("best", "median", "worst")
HU_WINDOW = (-100.0, 240.0)  # soft tissue: fat to enhanced vessels

# Light colours that differ for colour-blind readers too (Okabe and Ito), on the grey of the CT.
LABEL_COLOUR = "#56B4E9"
MASK_COLOUR = "#F0A000"
_LEFT, _TOP, _BOTTOM, _TITLE, _GAP = 0.25, 0.05, 0.3, 0.2, 0.06  # inches


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


def pick_cases(scores: pd.DataFrame, methods: Methods) -> pd.DataFrame:
    """Best, median and worst unseen case of each method by DSC.

    The median case is the one whose DSC lies nearest to the median, the lower of two as near. With
    fewer than three cases one case has several ranks. Undefined DSC are left out.

    Args:
        scores: rows of ``scores.csv`` (method, fold, case, subset, dsc).
        methods: in whose order they stand.

    Returns:
        Columns method, rank, fold, case, dsc.

    Raises:
        UpwindError: no unseen case has a defined DSC.
    """
    unseen = scores[scores["subset"] == UNSEEN].dropna(subset=["dsc"])
    if unseen.empty:
        raise UpwindError("no unseen case with a defined DSC to show in the gallery")
    picked = []
    for method in known_first(methods, unseen["method"]):
        # Ties by fold and case, so that the choice does not depend on the order of the rows.
        ordered = unseen[unseen["method"] == method].sort_values(["dsc", "fold", "case"])
        from_median = (ordered["dsc"] - ordered["dsc"].median()).abs().round(12)
        places = {"best": -1, "median": int(np.argmin(from_median)), "worst": 0}
        picked += [{"rank": rank, **ordered.iloc[places[rank]].to_dict()} for rank in RANKS]
    return pd.DataFrame(picked)[["method", "rank", "fold", "case", "dsc"]]


def largest_slice(label: np.ndarray) -> int:
    """Index of the slice (slice, row, column) with the largest labelled area.

    The choice looks at the label alone, so it favours no method.
    """
    return int(np.argmax(np.count_nonzero(label, axis=(1, 2))))


@style.styled
def draw_gallery(items: Sequence[GalleryItem], window: tuple[float, float] = HU_WINDOW) -> Figure:
    """A row for each method, a column for each rank, in the order of ``items``.

    Pixels have their true shape, and the contours of label and segmentation run along 0.5.

    Raises:
        UpwindError: no items.
    """
    if not items:
        raise UpwindError("the gallery has no cases to show")
    methods = list(dict.fromkeys(item.method for item in items))
    ranks = list(dict.fromkeys(item.rank for item in items))
    width = (style.TEXT_WIDTH - _LEFT - _GAP * len(ranks)) / len(ranks)
    tallest = max(item.ct.shape[0] * _aspect(item) / item.ct.shape[1] for item in items)
    height = width * min(tallest, 1.5)
    total = _TOP + _BOTTOM + len(methods) * (height + _TITLE)
    figure = style.new_figure(style.TEXT_WIDTH, total)
    scale = np.tile([style.TEXT_WIDTH, total], 2)
    for item in items:
        row, column = methods.index(item.method), ranks.index(item.rank)
        left = _LEFT + column * (width + _GAP)
        bottom = total - _TOP - (row + 1) * (height + _TITLE)
        axes = figure.add_axes(tuple(np.array([left, bottom, width, height]) / scale))
        _draw_item(axes, item, window)
        if column == 0:
            y = (bottom + height / 2) / total
            figure.text(
                0.12 / style.TEXT_WIDTH,
                y,
                item.method,
                color=item.colour,
                rotation=90,
                ha="center",
                va="center",
                size=style.SMALLEST + 2,
            )
    _draw_legend(figure, window)
    return figure


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
    axes.set_xlim(-0.5, item.ct.shape[1] - 0.5)
    axes.set_ylim(item.ct.shape[0] - 0.5, -0.5)
    axes.set_title(f"{item.rank}: case {item.case}, DSC {item.dsc:.3f}", pad=3)
    notes = [
        text
        for text, region in (("no liver labelled", item.label), ("nothing segmented", item.mask))
        if not np.any(region)
    ]
    axes.text(0.5, 0.02, "\n".join(notes), transform=axes.transAxes, color="white", ha="center")
    axes.text(0.02, 0.5, "R", transform=axes.transAxes, color="white", va="center")


def _draw_legend(figure: Figure, window: tuple[float, float]) -> None:
    handles = [
        Line2D([], [], color=LABEL_COLOUR, lw=1.5, label="liver label"),
        Line2D([], [], color=MASK_COLOUR, lw=0.8, label="segmentation"),
        Line2D(
            [],
            [],
            ls="none",
            label=f"window {window[0]:.0f} to {window[1]:.0f} HU".replace("-", "−"),
        ),
        Line2D([], [], ls="none", label="R: patient's right"),
    ]
    figure.legend(
        handles=handles, loc="lower center", ncols=4, columnspacing=1.0, borderaxespad=0.3
    )
