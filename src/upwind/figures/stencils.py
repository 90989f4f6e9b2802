"""The LSN's stencils before and after training, and how far each has come."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upwind.figures.style import GREY, INK, PALETTE, TEXT_WIDTH, new_figure, styled
from upwind.kernels.moments import START
from upwind.kernels.stencils import WEIGHTS

_COLOURS = "RdBu_r"


@styled
def draw_stencils(table: pd.DataFrame) -> Figure:
    """Two rows of nine 3x3 images, the finite differences and the mean over folds, with the change
    below, whose colours have a scale of their own; ``table`` is
    :func:`upwind.kernels.learned_stencils.stencil_table`."""
    names = list(dict.fromkeys(table["stencil"]))
    start = _images(table[table["fold"] == START])
    learned = table[table["fold"] != START]
    mean = _images(learned.groupby("stencil", sort=False)[WEIGHTS].mean())
    figure = new_figure(TEXT_WIDTH, 3.9, layout="constrained")
    rows = figure.subplots(4, len(names), height_ratios=[1, 1, 1, 1.15])
    limit = float(max(np.abs(start).max(), np.abs(mean).max()))
    change = float(np.abs(mean - start).max()) or 1.0
    shown = (
        ("finite\ndifference", start, limit),
        ("learned\n(mean)", mean, limit),
        ("change", mean - start, change),
    )
    for row, (label, images, most) in zip(rows, shown, strict=False):
        for axes, image in zip(row, images, strict=True):
            _draw_image(axes, image, most)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    for part, most in ((rows[:2], limit), (rows[2:3], change)):
        bar = figure.colorbar(
            part[0, 0].images[0],
            ax=part,
            ticks=[-most, 0, most],
            format="%.2g",
            pad=0.01,
            aspect=12,
        )
        bar.outline.set_visible(False)
    for axes, name in zip(rows[0], names, strict=True):
        axes.set_title(name)
    _draw_distances(rows[3], learned, names)
    return figure


def _images(table: pd.DataFrame) -> np.ndarray:
    return table[WEIGHTS].to_numpy().reshape(-1, 3, 3)


def _draw_image(axes: Axes, image: np.ndarray, most: float) -> None:
    axes.imshow(image, cmap=_COLOURS, vmin=-most, vmax=most)
    axes.set_xticks([])
    axes.set_yticks([])
    for (row, column), value in np.ndenumerate(image):
        text = f"{value:.1f}" if abs(value) >= 0.995 else f"{value:.2f}".replace("0.", ".")
        text = text if abs(value) >= 0.005 else "0"
        colour = "white" if abs(value) > 0.6 * most else INK
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=5.5)


def _draw_distances(row: np.ndarray, learned: pd.DataFrame, names: list[str]) -> None:
    most = 1.1 * learned["distance"].max()
    for axes, name in zip(row, names, strict=True):
        distances = learned.loc[learned["stencil"] == name, "distance"]
        places = np.linspace(-0.3, 0.3, len(distances)) if len(distances) > 1 else [0]
        axes.scatter(places, distances, s=8, color=PALETTE[0])
        axes.set_xlim(-1, 1)
        axes.set_ylim(0, most or 1)
        axes.set_xticks([])
        axes.spines["bottom"].set_color(GREY)
        if name != names[0]:
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
    row[0].set_ylabel(
        "distance from\nstart, ||w − w₀||,\nof each fold", rotation=0, ha="right", va="center"
    )
