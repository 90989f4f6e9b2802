"""The figures of a network of which only its weights file is known."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from upwind.figures.kernel_cluster_tendency import draw_cluster_tendency
from upwind.figures.kernel_content import draw_content, draw_nearest
from upwind.figures.kernel_icons import draw_icons
from upwind.figures.style import save
from upwind.kernels.clustering import Clustering

_CHANCE = "random weights"  # what the tables' network `initial` is here
_MOST_PANELS = 12  # layers of the figure of clusters, from the first to the last


def draw_all(tables: Mapping[str, pd.DataFrame], folder: str | os.PathLike[str]) -> list[str]:
    """Draw the tables of :func:`upwind.kernels.analysis.analyse` into ``folder``, as PNG and PDF;
    return the PNGs' names. Where there was nothing to cluster, there is no figure of clusters."""
    figures = {
        "content": draw_content(tables["content"], _CHANCE),
        "nearest": draw_nearest(tables["nearest_shares"], _CHANCE),
    }
    if "cluster_tendency" in tables:
        names = ("kernels", "layers", "stencils", "axes")
        clustering = Clustering(**{name: tables[name] for name in names})
        layers = clustering.layers["layer"].to_numpy()
        shown = np.linspace(0, len(layers) - 1, min(len(layers), _MOST_PANELS)).round().astype(int)
        figures["clusters"] = draw_icons(clustering, layers[shown].tolist())
        figures["cluster_tendency"] = draw_cluster_tendency(tables["cluster_tendency"], _CHANCE)
    for name, figure in figures.items():
        save(figure, *(Path(folder) / f"{name}.{ending}" for ending in ("png", "pdf")))
    return [f"{name}.png" for name in figures]
