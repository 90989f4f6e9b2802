"""k-means, compiled: scikit-learn's algorithm with its draws, for many runs on few points.

The cluster tendency of a layer takes 273 runs of k-means, of which scikit-learn's looking at its
arguments and at threads takes most of the time. A test holds the two together, label by label.
"""

from math import log

import numpy as np
from sklearn.cluster import KMeans

from upwind.common.compiled import jit

_jit = jit(nogil=True)

_TOLERANCE, _MOST_ITERATIONS = 1e-4, 300  # scikit-learn's


def kmeans_labels(
    points: np.ndarray, clusters: int, seed: int, restarts: int
) -> tuple[np.ndarray, float]:
    """k-means (Lloyd 1982) of points (n, d) from ``restarts`` starts of k-means++ (Arthur and
    Vassilvitskii 2007), greedy as scikit-learn's: labels (n,) from 0 of the tightest, and its
    summed squared distances to the centroids. Labels are those of scikit-learn's ``KMeans`` with
    this ``random_state``, to which the rare run is left in which a cluster is emptied."""
    centred = np.ascontiguousarray(points - points.mean(axis=0))
    trials = 2 + int(log(clusters))
    draws = np.random.RandomState(seed).random_sample((restarts, 1 + (clusters - 1) * trials))
    tolerance = _TOLERANCE * centred.var(axis=0).mean()
    across = np.ascontiguousarray(centred.T)
    runs = [_run(centred, across, _first(one[0], len(points)), one[1:], clusters, tolerance)
            for one in draws]  # fmt: skip
    if any(inertia < 0 for _, inertia in runs):
        model = KMeans(clusters, random_state=seed, n_init=restarts).fit(points)
        return model.labels_, float(model.inertia_)
    best = runs[0]
    for run in runs[1:]:
        if run[1] < best[1] and not _same(run[0], best[0], clusters):
            best = run
    return best


def _same(one: np.ndarray, other: np.ndarray, clusters: int) -> bool:
    """Whether clusters are the same but for their numbers; then scikit-learn keeps the first, even
    where the second was stopped nearer to its centroids."""
    return len(np.unique(one * clusters + other)) == len(np.unique(one))


def _first(draw: float, count: int) -> int:
    """The point that a draw from [0, 1) takes among so many, as ``RandomState.choice`` has it."""
    shares = np.full(count, 1 / count).cumsum()
    return int((shares / shares[-1]).searchsorted(draw, side="right"))


@_jit
def _run(
    points: np.ndarray,
    across: np.ndarray,
    first: int,
    draws: np.ndarray,
    clusters: int,
    tolerance: float,
) -> tuple[np.ndarray, float]:
    """Labels and summed squared distances of one run on points (n, d), given ``across`` (d, n) too;
    -1 in place of the sum where a cluster is emptied."""
    centres = _plus_plus(points, across, first, draws, clusters)
    labels = np.full(len(points), -1)
    before = labels.copy()
    nearest = np.empty(len(points))
    distances = np.empty(len(points))
    settled = False
    for _ in range(_MOST_ITERATIONS):
        _assign(across, centres, labels, nearest, distances)
        moved = _means(points, labels, centres)
        if moved < 0:
            return labels, -1.0
        if (labels == before).all():
            settled = True
            break
        if moved <= tolerance:
            break
        before[:] = labels
    if not settled:
        _assign(across, centres, labels, nearest, distances)
    total = 0.0
    for place in range(len(points)):
        for axis in range(points.shape[1]):
            total += (points[place, axis] - centres[labels[place], axis]) ** 2
    return labels, total


@_jit
def _plus_plus(
    points: np.ndarray, across: np.ndarray, first: int, draws: np.ndarray, clusters: int
) -> np.ndarray:
    """Centres (clusters, d): each the best of a few drawn in proportion to the squared distance
    from those before."""
    count = len(points)
    trials = len(draws) // (clusters - 1)
    centres = np.empty((clusters, points.shape[1]))
    centres[0] = points[first]
    closest = np.empty(count)
    squared_distances(across, centres[0], closest)
    trial, best = np.empty(count), np.empty(count)
    for number in range(1, clusters):
        cumulated = np.cumsum(closest)
        least, chosen = np.inf, 0
        for draw in draws[(number - 1) * trials : number * trials]:
            place = min(np.searchsorted(cumulated, draw * cumulated[-1]), count - 1)
            squared_distances(across, points[place], trial)
            total = 0.0
            for i in range(count):
                trial[i] = min(trial[i], closest[i])
                total += trial[i]
            if total < least:
                least, chosen = total, place
                best[:] = trial
        centres[number] = points[chosen]
        closest[:] = best
    return centres


@_jit
def squared_distances(across: np.ndarray, centre: np.ndarray, out: np.ndarray) -> None:
    """Squared distances (n,) of the points from a centre."""
    out[:] = 0
    for axis in range(len(across)):
        row, at = across[axis], centre[axis]
        for place in range(len(out)):
            apart = row[place] - at
            out[place] += apart * apart


@_jit
def _assign(
    across: np.ndarray,
    centres: np.ndarray,
    labels: np.ndarray,
    nearest: np.ndarray,
    distances: np.ndarray,
) -> None:
    """Each point to the nearest centre, the first of equal ones."""
    labels[:] = 0
    squared_distances(across, centres[0], nearest)
    for number in range(1, len(centres)):
        squared_distances(across, centres[number], distances)
        for place in range(len(labels)):
            if distances[place] < nearest[place]:
                nearest[place] = distances[place]
                labels[place] = number


@_jit
def _means(points: np.ndarray, labels: np.ndarray, centres: np.ndarray) -> float:
    """Move the centres to the means of their points, and say by how much: the sum of the squared
    ways, or -1 where one has no points."""
    sums, counts = np.zeros(centres.shape), np.zeros(len(centres))
    for place in range(len(points)):
        counts[labels[place]] += 1
        for axis in range(points.shape[1]):
            sums[labels[place], axis] += points[place, axis]
    moved = 0.0
    for number in range(len(centres)):
        if counts[number] == 0:
            return -1.0
        for axis in range(points.shape[1]):
            mean = sums[number, axis] / counts[number]
            moved += (mean - centres[number, axis]) ** 2
            centres[number, axis] = mean
    return moved
