"""Replaced kernels as a heat map: the change of DSC, and beside it how far the weights moved."""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upwind.common.errors import UpwindError
from upwind.figures.style import INK, TEXT_WIDTH, new_figure, styled

_ROW = 0.185  # inches for a layer
# Of one hue, light to dark: they keep their order in grey and for colour-blind readers.
_CHANGE, _NORM = "Blues_r", "Greys"
_LONGEST = 2.0  # of the right panel; kernels that have nothing in common are at 1.41, sqrt(2)
_DARK = 0.18  # luminance of a cell below which white text has more contrast than black


@styled
def draw_replacements(table: pd.DataFrame) -> Figure:
    """Two panels of one cell per layer, or group of layers, (rows) and replacement (columns), both
    with their numbers; ``table`` is
    :func:`upwind.studies.replacement_tables.summarise_replacements`, its layers text.

    Left the change of the DSC, in bold where its interval over patients leaves out 0; right the
    length of the change of the weights as a share of their own. Raises UpwindError for an empty
    table.
    """
    if table.empty:
        raise UpwindError("no replaced kernels to draw: the table has no rows")
    layers = list(dict.fromkeys(table["layer"]))
    names = list(dict.fromkeys(table["replacement"]))
    figure = new_figure(TEXT_WIDTH, 1.25 + _ROW * len(layers), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)

    def grid(column: str) -> pd.DataFrame:
        wide = table.pivot(index="layer", columns="replacement", values=column)
        return wide.loc[layers, names]

    certain = (grid("low") > 0) | (grid("high") < 0)
    change, norm = grid("change"), grid("relative_norm")
    lowest = min(cast(float, change.min(axis=None)), -0.01)
    _draw_cells(left, change, (lowest, 0), _CHANGE, _signed, certain)
    _draw_cells(right, norm, (0, _LONGEST), _NORM, "{:.2f}".format)
    left.set_title("change of DSC; bold: interval leaves out 0", loc="left")
    right.set_title("length of the change / of the weights", loc="left")
    left.set_ylabel("layer")
    return figure


def _draw_cells(
    axes: Axes,
    values: pd.DataFrame,
    limits: tuple[float, float],
    colours: str,
    text: Callable[[float], str],
    bold: pd.DataFrame | None = None,
) -> None:
    low, high = limits
    image = axes.imshow(values, cmap=colours, vmin=low, vmax=high, aspect="auto")
    for (row, column), value in np.ndenumerate(values.to_numpy()):
        dark = _luminance(image.cmap(image.norm(value))) < _DARK
        axes.text(
            column,
            row,
            text(value),
            ha="center",
            va="center",
            color="white" if dark else INK,
            fontweight="bold" if bold is not None and bold.iat[row, column] else "normal",
        )
    names = [name.replace("_", " ") for name in values.columns]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(values)), values.index)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if values.index[-1] == "all" and len(values) > 1:
        axes.axhline(len(values) - 1.5, color="white", linewidth=2)


def _signed(value: float) -> str:
    """Two digits, with a true minus; 0 has no sign."""
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0"


def _luminance(colour: Sequence[float] | np.ndarray) -> float:
    """Relative luminance of an sRGB colour, by its usual approximation as a power."""
    return float(np.dot([0.2126, 0.7152, 0.0722], np.power(colour[:3], 2.2)))
