"""Panels with layers side by side: where each stands, how networks look, and what a legend says."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from upwind.figures.style import PALETTE
from upwind.kernels.layers import INITIAL, SECOND_SEED, TRAINED, WHOLE

CHANCE = "at initialisation"  # what the network named ``initial`` is
Look = tuple[str, str, str, float]
# Each network's colour, marker and name, and how far beside the layer's number it stands.
LOOKS: dict[str, Look] = {
    TRAINED: (PALETTE[0], "o", "trained", 0.0),
    SECOND_SEED: (PALETTE[3], "D", "trained from another seed", 0.22),
    INITIAL: (PALETTE[1], "s", CHANCE, -0.22),
}
PANEL = 1.15  # inches
_MOST_NUMBERS = 24  # of layers along an axis


def layer_places(table: pd.DataFrame) -> dict[int, int]:
    """Where each layer stands along the axis, in the order of their numbers."""
    return {layer: place for place, layer in enumerate(sorted(table["layer"].unique()))}


def shade_parts(axes: Axes, table: pd.DataFrame, places: dict[int, int], named: bool) -> None:
    """Encoder, bottleneck and decoder told apart by their ground, and on top by their names."""
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


def draw_points(
    axes: Axes,
    table: pd.DataFrame,
    places: dict[int, int],
    look: Look,
    size: float = 3.5,
) -> None:
    """A network's ``value`` for each layer, with ``low`` to ``high`` where the table has them."""
    colour, marker, _, aside = look
    x = np.array([places[layer] for layer in table["layer"]]) + aside
    if "low" in table:
        axes.vlines(x, table["low"], table["high"], color=colour, linewidth=0.8, zorder=3)
    axes.plot(x, table["value"], marker, color=colour, markersize=size, zorder=4, clip_on=False)


def network_handles(table: pd.DataFrame, chance: str) -> list[Line2D]:
    """Of the networks in a table; the one named ``initial`` is called ``chance``."""
    names = [name for name in LOOKS if (table["network"] == name).any()]
    handles = [look_handle(LOOKS[name]) for name in names]
    for name, handle in zip(names, handles, strict=True):
        handle.set_label(chance if name == INITIAL else handle.get_label())
    return handles


def look_handle(look: Look, size: float = 3.5) -> Line2D:
    """Of one look in a legend."""
    colour, marker, name, _ = look
    return Line2D([], [], color=colour, marker=marker, linestyle="none", ms=size, label=name)


def number_layers(axes: Axes, places: dict[int, int]) -> None:
    """Layers along the axis: every one, or where they are many some."""
    step = -(-len(places) // _MOST_NUMBERS)
    axes.set_xticks(list(places.values())[::step], [str(layer) for layer in list(places)[::step]])
    axes.set_xlim(-0.6, len(places) - 0.4)
    axes.set_xlabel("layer")


def finish(figure: Figure, lowest: Axes, places: dict[int, int], handles: Sequence[Artist]) -> None:
    """Number the layers below the ``lowest`` panel and put the legend on top."""
    number_layers(lowest, places)
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 4))


def shortened(name: str, longest: int) -> str:
    """A layer's name as it is written in figures, or its end, which tells layers apart. Nothing in
    it is a command to the one who draws."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    plain = plain if len(plain) <= longest else f"…{plain[1 - longest :]}"
    return plain.replace("$", r"\$")
