"""Silhouette widths, compiled: of some thousand sets of points each network is held against."""

import numpy as np

from upwind.common.compiled import jit
from upwind.kernels.lloyd import squared_distances

_jit = jit(nogil=True)


def silhouette_widths(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Silhouette width (n,) of each of the points (n, d) in the clusters ``labels`` (n,), two or
    more: (b - a) / max(a, b), a being the mean distance to the others of its own cluster and b that
    to the nearest other cluster; 0 for a point that is alone (Rousseeuw 1987)."""
    numbers, places = np.unique(labels, return_inverse=True)
    counts = np.bincount(places)
    sums = _sums(np.ascontiguousarray(points.T), points, places, len(numbers))
    every = np.arange(len(points))
    within = sums[places, every] / np.maximum(counts[places] - 1, 1)
    means = sums / counts[:, None]
    means[places, every] = np.inf
    between = means.min(axis=0)
    largest = np.maximum(within, between)
    widths = np.divide(between - within, largest, out=np.zeros(len(points)), where=largest > 0)
    widths[counts[places] == 1] = 0
    return widths


@_jit
def _sums(across: np.ndarray, points: np.ndarray, places: np.ndarray, clusters: int) -> np.ndarray:
    """Summed distances (clusters, n) of each point to those of each cluster."""
    sums = np.zeros((clusters, len(points)))
    distances = np.empty(len(points))
    for one in range(len(points)):
        squared_distances(across, points[one], distances)
        row = sums[places[one]]
        for other in range(len(distances)):
            row[other] += np.sqrt(distances[other])
    return sums
