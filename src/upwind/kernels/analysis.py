"""Everything that is measured of kernels, as tidy tables: the same for our networks and for any."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from upwind.common.files import atomic_path
from upwind.kernels.clustering import can_be_clustered, cluster
from upwind.kernels.content import content_by_layer, content_by_part, moment_table
from upwind.kernels.filter_db import filter_table, shift_table
from upwind.kernels.layers import INITIAL, LSN, TRAINED, Layer, check_layers, random_layers
from upwind.kernels.published import beside_published_shares
from upwind.kernels.spectrum import nearest_table, shares
from upwind.kernels.tendency import Effort, stability, tendency
from upwind.kernels.verdicts import verdicts

# As many as the weights' single precision holds; every digit would double the files.
_DIGITS = "%.7g"

Networks = Mapping[str, Sequence[Layer]]
Tables = dict[str, pd.DataFrame]


def measure(networks: Networks, effort: Effort, spectrum_size: int, published: bool) -> Tables:
    """The tables nearest, nearest_shares, moments, content, content_parts and filter_db of
    ``networks`` by name, of which ``trained`` is the one that the others are compared with.

    Spectra are those on the feature maps of an image of ``spectrum_size`` pixels; the level set
    network has none. With ``published``, shares stand beside the authors'. docs/kernels.md has
    every column.
    """
    networks = {name: check_layers(layers) for name, layers in networks.items()}
    cnns = {name: layers for name, layers in networks.items() if name != LSN}
    nearest = {name: nearest_table(layers, spectrum_size) for name, layers in cnns.items()}
    share = _stacked({name: shares(table, effort.confidence) for name, table in nearest.items()})
    moments = {name: moment_table(layers) for name, layers in networks.items()}
    content = {name: content_by_layer(moments[name], layers) for name, layers in networks.items()}
    parts = {
        name: content_by_part(moments[name], layers, effort.confidence)
        for name, layers in networks.items()
    }
    return {
        "nearest": _stacked(nearest),
        "nearest_shares": beside_published_shares(share) if published else share,
        "moments": _stacked(moments),
        "content": _stacked(content),
        "content_parts": _stacked(parts),
        "filter_db": _stacked(_filters(networks, effort)),
    }


def _filters(networks: Networks, effort: Effort) -> Tables:
    """CNN Filter DB measures of each network, and how far its layers' kernels are from those of the
    trained network, whose architecture the level set network does not share."""
    trained = {layer.number: layer for layer in networks[TRAINED]}
    found = {}
    for name, layers in networks.items():
        table = filter_table(layers)
        reference = {} if name in (TRAINED, LSN) else trained
        shift = shift_table(layers, reference, effort.references, effort.seed)
        found[name] = table.merge(shift, how="left", on="layer")
    return found


def measure_tendency(
    networks: Networks, folds: Sequence[Iterable[Layer]], effort: Effort
) -> Tables:
    """The tables tendency, gap and verdicts of ``networks`` by name; stability over ``folds`` needs
    two of them, and the network at initialisation."""
    tables, gaps = {}, {}
    for name, layers in networks.items():
        tables[name], gaps[name] = tendency(check_layers(layers), effort)
    if len(folds) > 1 and INITIAL in networks:
        over_folds = stability(folds, networks[INITIAL], effort)
        tables[TRAINED] = pd.concat([tables[TRAINED], over_folds], ignore_index=True)
    table = _stacked(tables)
    return {"tendency": table, "gap": _stacked(gaps), "verdicts": verdicts(table)}


def analyse(
    layers: Sequence[Layer], effort: Effort, spectrum_size: int
) -> tuple[Tables, list[Layer]]:
    """All tables for one network of which only the weights are known, and the layers that have too
    few different kernels to be clustered. Chance is a network of the same shapes with random
    weights (:func:`upwind.kernels.layers.random_layers`), under the name ``initial``."""
    layers = check_layers(layers)
    networks = {TRAINED: layers, INITIAL: random_layers(layers, effort.seed)}
    tables = measure(networks, effort, spectrum_size, published=False)
    clustered = [x for x in layers if can_be_clustered(x.kernels.reshape(-1, 9), effort.tried)]
    numbers = {layer.number for layer in clustered}
    if clustered:
        tables |= _clustered(clustered, effort)
        chosen = {
            name: [layer for layer in found if layer.number in numbers]
            for name, found in networks.items()
        }
        tables |= measure_tendency(chosen, [], effort)
    return tables, [layer for layer in layers if layer.number not in numbers]


def _clustered(layers: Sequence[Layer], effort: Effort) -> Tables:
    """The tables kernels, layers, stencils and axes. The scale of a layer means little where
    normalisation follows it, and pooled axes would be those of the largest: kernels are divided by
    their layer's root mean square length, which k-means does not mind and ``layers`` states."""
    scales = [np.sqrt((layer.kernels**2).sum(axis=(1, 2)).mean()) for layer in layers]
    scaled = [
        replace(layer, weights=layer.weights / scale)
        for layer, scale in zip(layers, scales, strict=True)
    ]
    found = cluster(scaled, effort.clusters, effort.seed, effort.restarts)
    names = [layer.name for layer in layers]
    return vars(found) | {"layers": found.layers.assign(name=names, scale=scales)}


def write_tables(tables: Tables, folder: str | os.PathLike[str]) -> None:
    """Write each table as NAME.csv in ``folder``, with seven significant digits."""
    for name, table in tables.items():
        with atomic_path(Path(folder) / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format=_DIGITS)


def _stacked(tables: Tables) -> pd.DataFrame:
    """One table with the tables' names as first column, ``network``."""
    named = [table.assign(network=name) for name, table in tables.items() if len(table)]
    stacked = pd.concat(named, ignore_index=True)
    return stacked[["network", *(name for name in stacked if name != "network")]]
