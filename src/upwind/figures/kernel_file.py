"""The figures of a network of which only its weights file is known."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from upwind.figures.kernel_cluster_tendency import draw_cluster_tendency
from upwind.figures.kernel_content import draw_content, draw_nearest
from upwind.figures.kernel_icons import draw_icons
from upwind.figures.kernel_overview import draw_overview
from upwind.figures.kernel_page import Picture
from upwind.figures.style import save
from upwind.kernels.clustering import Clustering
from upwind.kernels.weights_file import KernelAnalysis

_CHANCE = "random weights"  # what the tables' network `initial` is here
_CAPTIONS = {
    "overview": "Every layer, from the first: energy of its kernels by order of derivative, the "
    "hand-crafted kernels that they are nearest to, and the silhouette of their clusters beside a "
    "Gaussian's and that of random weights. A dot before a name: clusters; a ring: favoured "
    "directions alone.",
    "content": "How much finite difference is in each layer, beside random weights.",
    "nearest": "Share of each layer's kernels that is nearest to each hand-crafted kernel.",
    "clusters": "Kernels of each layer, divided by its scale, on the first two principal axes of "
    "all; hand-crafted ones, divided by their length, on top.",
    "cluster_tendency": "Are there clusters? The largest z of the test, which asks for an effect "
    "above 0.03, too; below it each measure beside a Gaussian's and that of random weights.",
}
_MOST_PANELS = 12  # layers of the figure of clusters, from the first to the last


def draw_all(analysis: KernelAnalysis, folder: str | os.PathLike[str]) -> dict[str, list[Picture]]:
    """Draw the tables of :func:`upwind.kernels.weights_file.analyse_kernels` into ``folder``, as
    PNG and PDF, and say what each picture of a size shows; those of other sizes than 3x3 go where
    their tables are."""
    return {
        size: _draw_size(tables, Path(folder), analysis.place(size))
        for size, tables in analysis.sizes.items()
    }


def _draw_size(tables: Mapping[str, pd.DataFrame], folder: Path, place: str) -> list[Picture]:
    """The figures of one size; where there was nothing to cluster, there is none of clusters."""
    figures = {
        "overview": draw_overview(tables, _CHANCE),
        "content": draw_content(tables["content"], _CHANCE),
        "nearest": draw_nearest(tables["nearest_shares"], _CHANCE),
    }
    captions = dict(_CAPTIONS)
    if "cluster_tendency" in tables:
        parts = ("kernels", "layers", "stencils", "axes")
        clustering = Clustering(**{name: tables[name] for name in parts})
        layers = clustering.layers["layer"].to_numpy()
        shown = np.linspace(0, len(layers) - 1, min(len(layers), _MOST_PANELS)).round().astype(int)
        names = dict(zip(tables["network"]["layer"], tables["network"]["name"], strict=True))
        figures["clusters"] = draw_icons(clustering, layers[shown].tolist(), names=names)
        captions["clusters"] += f" {len(shown)} of {len(layers)} layers, from first to last."
        figures["cluster_tendency"] = draw_cluster_tendency(
            tables["cluster_tendency"], tables["cluster_tests"], _CHANCE
        )
    for name, figure in figures.items():
        save(figure, *(folder / place / f"{name}.{ending}" for ending in ("png", "pdf")))
    return [Picture(f"{place}{name}", captions[name]) for name in figures]
