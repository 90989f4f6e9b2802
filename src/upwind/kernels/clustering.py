"""k-means of each layer's kernels and principal axes of all layers' kernels (Figure 2).

As in the paper and its authors' code: every pair of an output and an input channel is one 3x3
kernel, flattened row by row to a vector of nine; k-means runs in each layer for itself; one PCA
(mean removed) is fitted to the kernels of all layers together, and every layer and the
hand-crafted kernels are projected on its axes, so that panels of different layers compare.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import calinski_harabasz_score
from threadpoolctl import threadpool_limits

from upwind.common.errors import UpwindError
from upwind.common.files import write_csv
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.layers import Layer, check_layers, with_at_most
from upwind.kernels.sizes import Size, weight_columns
from upwind.kernels.stencils import STENCILS
from upwind.settings.kernels import KernelMeasures

_DEFAULT = KernelMeasures()


@dataclass(frozen=True)
class Clustering:
    """Result of :func:`cluster`, four tidy tables.

    Attributes:
        kernels: one row per kernel: ``layer`` (from 1), ``kernel`` (from 0, output channel by
            output channel), ``out_channel``, ``in_channel``, ``cluster`` (from 1), ``pc1``,
            ``pc2``, ``w0`` to ``w8`` (row-major; larger kernels have more).
        layers: one row per layer: ``layer``, ``in_channels``, ``out_channels``,
            ``kernels``, ``kmeans_mean_score`` (minus the mean squared distance to the own
            centroid), ``calinski_harabasz``.
        stencils: one row per hand-crafted kernel: ``stencil``, ``pc1``, ``pc2``, ``w0``-``w8``.
        axes: one row per principal axis: ``axis`` (from 1), ``explained_variance_ratio``,
            ``w0`` to ``w8`` (unit vector).
    """

    kernels: pd.DataFrame
    layers: pd.DataFrame
    stencils: pd.DataFrame
    axes: pd.DataFrame


def cluster(
    layers: Iterable[Layer],
    clusters: int = _DEFAULT.clusters,
    seed: int = _DEFAULT.seed,
    restarts: int = _DEFAULT.restarts,
    stencils: Mapping[str, np.ndarray] = STENCILS,
) -> Clustering:
    """Cluster and project the kernels of ``layers``, and project the hand-crafted ``stencils``.

    Clusters are numbered by the first coordinate (pc1) of their centroid, lowest first, because
    the order that k-means gives is arbitrary and colours would change from run to run. k-means
    starts ``restarts`` times and keeps the best; ``seed`` fixes the starts.

    Raises:
        UpwindError: no layers, weights that are not finite kernels of one known size, or a layer
            with too few different kernels.
    """
    layers = check_layers(layers)
    vectors = [layer.vectors for layer in layers]
    for layer, kernels in zip(layers, vectors, strict=True):
        _check_different(layer.number, kernels, clusters)
    pca = PCA(svd_solver="full").fit(np.concatenate(vectors))
    tables, summaries = [], []
    for layer, kernels in zip(layers, vectors, strict=True):
        out_channels, in_channels = layer.weights.shape[:2]
        with one_thread():
            labels, centroids, score = kmeans(kernels, clusters, seed, restarts)
        rank = np.argsort(np.argsort(pca.transform(centroids)[:, 0], kind="stable"))
        tables.append(_kernel_table(layer, in_channels, kernels, rank[labels] + 1, pca))
        summaries.append(
            {
                "layer": layer.number,
                "in_channels": in_channels,
                "out_channels": out_channels,
                "kernels": len(kernels),
                "kmeans_mean_score": score,
                "calinski_harabasz": calinski_harabasz_score(kernels, labels),
            }
        )
    return Clustering(
        kernels=pd.concat(tables, ignore_index=True),
        layers=pd.DataFrame(summaries),
        stencils=_stencil_table(pca, stencils),
        axes=_axis_table(pca, layers[0].size),
    )


def can_be_clustered(kernels: np.ndarray, clusters: int) -> bool:
    """Whether there are enough different kernels (n, 9) for so many clusters and their scores,
    which need at least one kernel more than there are clusters."""
    return len(np.unique(kernels, axis=0)) > clusters


def sampled(layer: Layer, settings: AnalysisSettings) -> np.ndarray:
    """A layer's kernels, each flattened, whose clusters are tested: all, or ``settings.sample`` of
    them."""
    return with_at_most(layer, settings.sample, settings.seed).vectors


def _check_different(layer: int, kernels: np.ndarray, clusters: int) -> None:
    if not can_be_clustered(kernels, clusters):
        different = len(np.unique(kernels, axis=0))
        raise UpwindError(
            f"layer {layer} has {different} different kernels, too few for {clusters} clusters: "
            "use fewer clusters or a network with more filters"
        )


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """A context in which k-means takes one thread: layers are small, and on a busy machine threads
    that wait for each other took 20 times as long. It also keeps sums, and so results, the same on
    every number of cores. Arguments, known to be good, are not looked at in every call. (Entered
    once for many calls: it takes milliseconds.)"""
    unchecked = sklearn.config_context(assume_finite=True, skip_parameter_validation=True)
    with threadpool_limits(limits=1), unchecked:
        yield


def kmeans(
    kernels: np.ndarray,
    clusters: int = _DEFAULT.clusters,
    seed: int = _DEFAULT.seed,
    restarts: int = _DEFAULT.restarts,
) -> tuple[np.ndarray, np.ndarray, float]:
    """k-means of kernels (n, 9): labels (n,) from 0, centroids (clusters, 9), and minus the mean
    squared distance to the own centroid. To be called within :func:`one_thread`."""
    model = KMeans(clusters, random_state=seed, n_init=restarts).fit(kernels)
    return model.labels_, model.cluster_centers_, float(model.score(kernels)) / len(kernels)


def _kernel_table(
    layer: Layer, in_channels: int, kernels: np.ndarray, labels: np.ndarray, pca: PCA
) -> pd.DataFrame:
    index = layer.numbers
    projected = pca.transform(kernels)
    table = pd.DataFrame(
        {
            "layer": layer.number,
            "kernel": index,
            "out_channel": index // in_channels,
            "in_channel": index % in_channels,
            "cluster": labels,
            "pc1": projected[:, 0],
            "pc2": projected[:, 1],
        }
    )
    return table.join(pd.DataFrame(kernels, columns=weight_columns(layer.size)))


def _stencil_table(pca: PCA, stencils: Mapping[str, np.ndarray]) -> pd.DataFrame:
    weights = np.array([stencil.ravel() for stencil in stencils.values()])
    projected = pca.transform(weights)
    table = pd.DataFrame(
        {"stencil": list(stencils), "pc1": projected[:, 0], "pc2": projected[:, 1]}
    )
    size = next(iter(stencils.values())).shape
    return table.join(pd.DataFrame(weights, columns=weight_columns(size)))


def _axis_table(pca: PCA, size: Size) -> pd.DataFrame:
    ratio = pca.explained_variance_ratio_
    table = pd.DataFrame({"axis": np.arange(len(ratio)) + 1, "explained_variance_ratio": ratio})
    return table.join(pd.DataFrame(pca.components_, columns=weight_columns(size)))


def write_clustering(clustering: Clustering, folder: str | os.PathLike[str]) -> None:
    """Write the tables as ``kernels.csv``, ``layers.csv``, ``stencils.csv`` and ``axes.csv`` in
    ``folder``, with every digit."""
    for field in fields(clustering):
        write_csv(Path(folder) / f"{field.name}.csv", getattr(clustering, field.name))


def read_clustering(folder: str | os.PathLike[str]) -> Clustering:
    """Read back what :func:`write_clustering` wrote, exactly."""
    return Clustering(
        **{
            field.name: pd.read_csv(Path(folder) / f"{field.name}.csv")
            for field in fields(Clustering)
        }
    )
