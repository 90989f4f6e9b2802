"""All that is measured of a network of which only the weights are known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_verdicts import Watched, measure_cluster_tendency, unwatched
from upwind.kernels.clustering import can_be_clustered, cluster
from upwind.kernels.gaussian_derivatives import gaussian_by_layer, gaussian_table
from upwind.kernels.layers import (
    INITIAL,
    TRAINED,
    Layer,
    check_layers,
    random_layers,
    with_at_most,
)
from upwind.kernels.measures import measure
from upwind.kernels.stencils import stencils_of
from upwind.kernels.tables import Tables, stacked


def analyse(
    layers: Sequence[Layer],
    settings: AnalysisSettings,
    spectrum_size: int,
    watched: Watched = unwatched,
    threads: int = 1,
) -> tuple[Tables, list[Layer]]:
    """All tables for one network of which only the weights are known, and whose kernels are of one
    size, and the layers that have too few different kernels to be clustered. Chance is a network of
    the same shapes with random weights (:func:`upwind.kernels.layers.random_layers`), under the
    name ``initial``. Of a layer with more than ``settings.sample`` kernels, so many are drawn and
    looked at. What takes time goes through ``watched``, layer by layer, on ``threads``."""
    layers = [with_at_most(x, settings.sample, settings.seed) for x in check_layers(layers)]
    size = layers[0].size
    networks = {TRAINED: layers, INITIAL: random_layers(layers, settings.seed)}
    tables = measure(networks, settings, spectrum_size, published=False)
    if len(size) == 2:
        fits = {name: gaussian_table(of) for name, of in networks.items()}
        tables["gaussian"] = stacked(fits)
        tables["gaussian_layers"] = stacked({n: gaussian_by_layer(fit) for n, fit in fits.items()})
    clustered = [x for x in layers if can_be_clustered(x.vectors, settings.tried)]
    numbers = {layer.number for layer in clustered}
    if clustered:
        tables |= _clustered(clustered, settings)
        chosen = {
            name: [layer for layer in found if layer.number in numbers]
            for name, found in networks.items()
        }
        tables |= measure_cluster_tendency(chosen, [], settings, watched, threads)
    return tables, [layer for layer in layers if layer.number not in numbers]


def _clustered(layers: Sequence[Layer], settings: AnalysisSettings) -> Tables:
    """The tables kernels, layers, stencils and axes. The scale of a layer means little where
    normalisation follows it, and pooled axes would be those of the largest: kernels are divided by
    their layer's root mean square length, which k-means does not mind and ``layers`` states, and
    hand-crafted ones by their own length."""
    scales = [np.sqrt((layer.vectors**2).sum(axis=1).mean()) for layer in layers]
    scaled = [
        replace(layer, weights=layer.weights / scale)
        for layer, scale in zip(layers, scales, strict=True)
    ]
    stencils = stencils_of(layers[0].size)
    unit = {name: stencil / np.linalg.norm(stencil.ravel()) for name, stencil in stencils.items()}
    found = cluster(scaled, settings.clusters, settings.seed, settings.restarts, unit)
    names = [layer.name for layer in layers]
    return vars(found) | {"layers": found.layers.assign(name=names, scale=scales)}
