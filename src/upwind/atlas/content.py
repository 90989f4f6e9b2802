"""What the atlas says of each layer and of each of its clusters, in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_samples

from upwind.atlas.derivatives import Derivative, nearest_derivative
from upwind.atlas.responses import LayerMaps
from upwind.common.errors import UpwindError
from upwind.common.frames import groups, rows
from upwind.kernels.clustering import one_thread
from upwind.kernels.content import energies
from upwind.kernels.layers import BOTTLENECK, DECODER, ENCODER
from upwind.kernels.stencils import WEIGHTS


@dataclass(frozen=True)
class Effect:
    """A change of weights and what comes of it: ``dsc``, its ``change`` against the network as
    trained with the interval from ``low`` to ``high``, and the ``relative_norm`` of the change of
    the layer's weights. ``name`` says what was changed."""

    name: str
    dsc: float
    change: float
    low: float
    high: float
    relative_norm: float
    kernels: int


@dataclass(frozen=True)
class ClusterContent:
    """One cluster of one layer.

    Attributes:
        number: from 1.
        kernels: how many.
        share: of the layer's kernels.
        mean: mean kernel, the k-means centroid (3, 3).
        derivative: what the mean kernel takes most of.
        orders: share of the energy of the cluster's kernels, all together, in derivatives of order
            0 to 4.
        explained: share of that energy which the mean kernel alone stands for: 1 where all kernels
            are alike, near 0 where they only point in the same direction on average.
        silhouette: mean silhouette of its kernels, -1 to 1.
        effect: of taking its kernels away.
    """

    number: int
    kernels: int
    share: float
    mean: np.ndarray
    derivative: Derivative
    orders: np.ndarray
    explained: float
    silhouette: float
    effect: Effect


@dataclass(frozen=True)
class LayerContent:
    """One layer: its ``number`` from 1, the ``part`` of the network and the ``level`` in it (1 is
    the finest; 0 in the bottleneck), channels, number of kernels, ``size`` of its feature maps in
    pixels (rows, columns), mean ``silhouette``, clusters, and what becomes of DSC when all its
    kernels are replaced."""

    number: int
    part: str
    level: int
    in_channels: int
    out_channels: int
    kernels: int
    size: tuple[int, int]
    silhouette: float
    clusters: tuple[ClusterContent, ...]
    replacements: tuple[Effect, ...]

    @property
    def strongest(self) -> Effect:
        """The effect of the cluster that DSC loses most without."""
        return min((cluster.effect for cluster in self.clusters), key=lambda effect: effect.change)


def atlas_content(
    kernels: pd.DataFrame,
    effects: pd.DataFrame,
    replacements: pd.DataFrame,
    maps: list[LayerMaps],
    levels: int,
) -> list[LayerContent]:
    """Layer by layer, in order of execution.

    Args:
        kernels: :attr:`upwind.kernels.clustering.Clustering.kernels`.
        effects: :func:`upwind.atlas.effects.measure_effects`.
        replacements: rows of ``studies/replacements.csv``, of these layers or of some of them;
            those of 'all' layers at once are of none.
        maps: :func:`upwind.atlas.responses.layer_maps`, for the size of each layer.
        levels: of the encoder, the bottleneck not counted.

    Raises:
        UpwindError: a cluster has no row in ``effects``, or a table lacks columns.
    """
    _check_columns("effects.csv", effects, (*_EFFECT, "layer", "cluster", "removed"))
    _check_columns("replacements.csv", replacements, (*_EFFECT, "layer", "replacement"))
    measured = {(row.layer, row.cluster): _effect(row, row.removed) for row in rows(effects)}
    result = []
    for number, part in groups(kernels, "layer"):
        of_layer = replacements[replacements["layer"].astype(str) == str(number)]
        replaced = tuple(_effect(row, row.replacement) for row in rows(of_layer))
        size = maps[number - 1].leaving.shape
        result.append(_layer(int(number), part, measured, replaced, size, levels))
    return result


_EFFECT = ("dsc", "change", "low", "high", "relative_norm", "kernels")


def _check_columns(name: str, table: pd.DataFrame, needed: tuple[str, ...]) -> None:
    missing = [column for column in needed if column not in table]
    if missing:
        raise UpwindError(
            f"{name} has no column {', '.join(missing)}; delete it and run the workflow again"
        )


def _effect(row: Any, name: str) -> Effect:
    return Effect(name, row.dsc, row.change, row.low, row.high, row.relative_norm, int(row.kernels))


def part_of(layer: int, levels: int) -> tuple[str, int]:
    """Part of the UNet that a layer is in, and its level: two layers each: down,
    bottleneck, up."""
    step = (layer - 1) // 2  # from 0
    if step < levels:
        return ENCODER, step + 1
    return (BOTTLENECK, 0) if step == levels else (DECODER, 2 * levels - step + 1)


def _layer(
    number: int,
    table: pd.DataFrame,
    measured: Mapping[tuple[int, int], Effect],
    replaced: tuple[Effect, ...],
    size: tuple[int, int],
    levels: int,
) -> LayerContent:
    weights, labels = table[WEIGHTS].to_numpy(), table["cluster"].to_numpy()
    silhouettes = _silhouettes(weights, labels)
    clusters = []
    for cluster in np.unique(labels).tolist():
        if (number, cluster) not in measured:
            raise UpwindError(
                f"effects.csv has no row for cluster {cluster} of layer {number}; delete it and "
                "run the workflow again"
            )
        own = labels == cluster
        effect = measured[number, cluster]
        silhouette = float(silhouettes[own].mean())
        clusters.append(_cluster(cluster, weights[own], len(weights), silhouette, effect))
    part, level = part_of(number, levels)
    return LayerContent(
        number=number,
        part=part,
        level=level,
        in_channels=int(table["in_channel"].max()) + 1,
        out_channels=int(table["out_channel"].max()) + 1,
        kernels=len(table),
        size=size,
        silhouette=float(silhouettes.mean()),
        clusters=tuple(clusters),
        replacements=replaced,
    )


def _silhouettes(weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    with one_thread():
        return silhouette_samples(weights, labels)


def _cluster(
    number: int, weights: np.ndarray, of: int, silhouette: float, effect: Effect
) -> ClusterContent:
    mean = weights.mean(axis=0)
    energy = energies(weights.reshape(-1, 3, 3)).sum(axis=0)
    total = float(energy.sum()) or 1.0
    return ClusterContent(
        number=number,
        kernels=len(weights),
        share=len(weights) / of,
        mean=mean.reshape(3, 3),
        derivative=nearest_derivative(mean.reshape(3, 3)),
        orders=energy / total,
        explained=float(len(weights) * (mean**2).sum() / total),
        silhouette=silhouette,
        effect=effect,
    )
