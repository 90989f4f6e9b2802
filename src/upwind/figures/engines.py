"""The level set engines beside each other: agreement, DSC and cost."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upwind.common.errors import UpwindError
from upwind.figures import style

_LOOKS = {
    "simpleitk": ("SimpleITK", style.PALETTE[0], "o"),
    "c3d": ("Convert3D", style.PALETTE[1], "s"),
    "torch": ("torch (this package)", style.PALETTE[2], "^"),
}
# What the engines are to agree in.
_AGREEMENT = 0.97


@style.styled
def draw_engines(table: pd.DataFrame) -> Figure:
    """A row for each mode: DSC with SimpleITK's segmentation, DSC with the label, seconds and
    memory, a column of marks for each case. ``table``: :func:`upwind.levelset.comparison.compare`
    of all cases. Raises UpwindError where there are no rows."""
    if table.empty:
        raise UpwindError("no engine was run, so there is nothing to compare")
    modes = list(dict.fromkeys(table["mode"]))
    figure = style.new_figure(style.TEXT_WIDTH, 0.5 + 1.6 * len(modes), layout="constrained")
    panels = figure.subplots(len(modes), 4, squeeze=False, sharex=True)
    for row, mode in zip(panels, modes, strict=True):
        part = table[table["mode"] == mode]
        for axes, column in zip(row, ("dsc_simpleitk", "dsc", "seconds", "memory_mb"), strict=True):
            _draw_marks(axes, part, column)
        row[0].axhline(_AGREEMENT, color=style.INK, linestyle=":", linewidth=0.9)
        row[0].set_ylabel(f"{mode} mode")
    titles = ("DSC with SimpleITK's", "DSC with the label", "seconds, one core", "memory, MB")
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title)
    figure.supxlabel("case")
    handles, labels = panels[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(handles))
    return figure


def _draw_marks(axes: Axes, table: pd.DataFrame, column: str) -> None:
    cases = sorted(set(table["case"]))
    for shift, (name, (label, colour, marker)) in zip(
        (-0.2, 0.0, 0.2), _LOOKS.items(), strict=True
    ):
        part = table[table["engine"] == name]
        if not part.empty:
            places = [cases.index(case) + shift for case in part["case"]]
            axes.plot(places, part[column], marker, color=colour, markersize=4, label=label)
    axes.set_xticks(range(len(cases)), [str(case) for case in cases])
    axes.set_xlim(-0.6, len(cases) - 0.4)
    if column.startswith("dsc"):
        lowest = table[column].min()
        axes.set_ylim(min(0.95, lowest - 0.03), 1.005)
    else:
        axes.set_ylim(0, 1.1 * table[column].max())
