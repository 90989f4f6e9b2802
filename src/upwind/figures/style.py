"""One look for all figures, and the way they are written.

Figures are made with matplotlib's object-oriented interface, without pyplot: nothing is registered
globally, so a figure is freed as soon as nobody holds it. Sizes are printed sizes: a figure of
:data:`TEXT_WIDTH` is not scaled in print, and its smallest text is :data:`SMALLEST` points.
"""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from upwind.common.files import atomic_path

TEXT_WIDTH = 7.16  # inches: both columns of an IEEE conference page
SMALLEST = 7.0  # points

# Paul Tol's 'high-contrast' set (dark blue, red, yellow) stays distinct for colour-blind readers
# and in grey; the others come from his 'muted' set, for more than three clusters or folds.
PALETTE = ("#004488", "#BB5566", "#DDAA33", "#44AA99", "#882255", "#88CCEE", "#117733", "#999933")
INK = "#222222"
GREY = "#777777"
PALE = "#DDDDDD"

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same everywhere
    "font.size": SMALLEST,
    "axes.titlesize": SMALLEST + 0.5,
    "axes.labelsize": SMALLEST,
    "xtick.labelsize": SMALLEST,
    "ytick.labelsize": SMALLEST,
    "legend.fontsize": SMALLEST,
    "legend.frameon": False,
    "figure.labelsize": SMALLEST,
    "figure.titlesize": SMALLEST + 1.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,  # TrueType, embedded: text can be selected and edited
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "upwind",  # the same identifiers, so the same bytes, in every run
    "savefig.dpi": 300,
}
# The date of writing would make equal figures differ.
_METADATA = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}

P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run ``draw`` with the style above, whatever the user's matplotlib settings, and leave those
    as they were."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(_STYLE)
            return draw(*args, **kwargs)

    return wrapper


def new_figure(width: float, height: float, **kwargs: Any) -> Figure:
    """An empty figure (inches) that belongs to no pyplot state."""
    figure = Figure(figsize=(width, height), **kwargs)
    FigureCanvasAgg(figure)
    return figure


@styled
def save(figure: Figure, *paths: str | os.PathLike[str]) -> None:
    """Write ``figure`` to each of ``paths`` (format by ending: svg, pdf, png), atomically and with
    the same bytes for the same figure."""
    for path in paths:
        with atomic_path(path) as temporary:
            figure.savefig(temporary, metadata=_METADATA.get(Path(path).suffix.lower()))
