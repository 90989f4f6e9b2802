"""Are there clusters among a layer's kernels? Measures with their intervals, layer by layer."""

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from upwind.common.frames import groups
from upwind.figures.kernel_panels import (
    CHANCE,
    LOOKS,
    PANEL,
    draw_points,
    finish,
    layer_places,
    look_handle,
    network_handles,
    shade_parts,
)
from upwind.figures.style import GREY, PALETTE, TEXT_WIDTH, new_figure, styled
from upwind.kernels.cluster_tendency import FOLDS, GAP, SILHOUETTE, STARTS
from upwind.kernels.cluster_tendency import INITIAL as SINCE_START
from upwind.kernels.cluster_verdicts import REASONABLE, WEAK
from upwind.kernels.layers import TRAINED

_REFERENCE = "#BBBBBB"
_Z = "z"


@styled
def draw_cluster_tendency(
    cluster_tendency: pd.DataFrame, cluster_tests: pd.DataFrame, chance: str = CHANCE
) -> Figure:
    """The test for clusters, and below it silhouette, gap statistic and agreement of k-means, with
    intervals, for each layer beside the same for kernels without clusters. The tables are those of
    :func:`upwind.kernels.cluster_verdicts.measure_cluster_tendency`."""
    folds = (cluster_tendency["measure"] == FOLDS).any()
    cluster_tendency = pd.concat([cluster_tendency, _largest_z(cluster_tests)], ignore_index=True)
    shown = [
        (_Z, "largest z\nof the test"),
        (SILHOUETTE, "silhouette"),
        (GAP, "gap statistic"),
        (STARTS, "ARI between\nk-means starts"),
        *([(FOLDS, "ARI between\nfolds")] if folds else []),
    ]
    figure = new_figure(TEXT_WIDTH, 0.75 + len(shown) * PANEL, layout="constrained")
    rows = figure.subplots(len(shown), 1, sharex=True)
    places = layer_places(cluster_tendency)
    for axes, (measure, label) in zip(rows, shown, strict=True):
        shade_parts(axes, cluster_tendency, places, named=axes is rows[0])
        chosen = cluster_tendency[cluster_tendency["measure"] == measure]
        _draw_reference(axes, chosen[chosen["network"] == TRAINED], places)
        for network, part in groups(chosen, "network", sort=False):
            draw_points(axes, part, places, LOOKS[network])
        axes.set_ylabel(label)
    _draw_levels(rows[1])
    for axes in rows[3:]:
        axes.set_ylim(min(0, axes.get_ylim()[0]), 1.02)
    handles: list[Artist] = [*network_handles(cluster_tendency, chance)]
    handles.append(Patch(color=_REFERENCE, label="drawn from the layer's Gaussian"))
    if folds:
        look = (PALETTE[2], "v", "folds with the start of training", 0.0)
        since = cluster_tendency[cluster_tendency["measure"] == SINCE_START]
        draw_points(rows[-1], since, places, look)
        handles.append(look_handle(look))
    finish(figure, rows[-1], places, handles)
    return figure


def _largest_z(cluster_tests: pd.DataFrame) -> pd.DataFrame:
    """Of each network and layer the largest z of the statistics, as a further measure."""
    z = cluster_tests.groupby(["network", "part", "layer"], sort=False)["z"].max()
    table = z.rename("value").reset_index()
    return table.assign(measure=_Z, low=table["value"], high=table["value"])


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


def _draw_reference(axes: Axes, table: pd.DataFrame, places: dict[int, int]) -> None:
    """The interval without clusters as a grey bar behind each layer."""
    known = table.dropna(subset=["reference"])
    x = [places[layer] for layer in known["layer"]]
    heights = known["reference_high"] - known["reference_low"]
    axes.bar(x, heights, bottom=known["reference_low"], width=0.75, color=_REFERENCE, zorder=1)
