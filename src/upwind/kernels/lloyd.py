"""k-means, compiled: scikit-learn's algorithm with its draws, for many runs on few points.

The cluster tendency of a layer takes 273 runs of k-means, of which scikit-learn's looking at its
arguments and at threads takes most of the time. A test holds the two together, label by label.
Sums are added in scikit-learn's order, whatever the loops: three axes at a time stay in registers.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np
from sklearn.cluster import KMeans

from upwind.common.compiled import jit

_jit = jit(nogil=True)

_TOLERANCE, _MOST_ITERATIONS = 1e-4, 300  # scikit-learn's
AT_ONCE = 3  # axes whose sums are kept in registers


@dataclass(frozen=True, eq=False)
class Centred:
    """Points made ready for many runs of k-means.

    Attributes:
        points: (n, d), as they were given.
        centred: the same less their mean.
        across: those with their axes swapped, (d, n).
        tolerance: sum of the squared ways of the centres below which a run has settled.
    """

    points: np.ndarray
    centred: np.ndarray
    across: np.ndarray
    tolerance: float

    @classmethod
    def of(cls, points: np.ndarray) -> "Centred":
        """Points (n, d)."""
        centred = np.ascontiguousarray(points - points.mean(axis=0))
        tolerance = _TOLERANCE * centred.var(axis=0).mean()
        return cls(points, centred, np.ascontiguousarray(centred.T), tolerance)


def kmeans_labels(
    given: Centred, clusters: int, seed: int, restarts: int
) -> tuple[np.ndarray, float]:
    """k-means (Lloyd 1982) of points (n, d) from ``restarts`` starts of k-means++ (Arthur and
    Vassilvitskii 2007), greedy as scikit-learn's: labels (n,) from 0 of the tightest, and its
    summed squared distances to the centroids. Labels are those of scikit-learn's ``KMeans`` with
    this ``random_state``, to which the rare run is left in which a cluster is emptied."""
    firsts, draws = _draws(clusters, seed, restarts)
    # The points that the first draws take, as ``RandomState.choice`` has it.
    first = _shares(len(given.points)).searchsorted(firsts, side="right")
    labels, total = _tightest(given.centred, given.across, first, draws, clusters, given.tolerance)
    if total < 0:
        model = KMeans(clusters, random_state=seed, n_init=restarts).fit(given.points)
        return model.labels_, float(model.inertia_)
    return labels, total


@lru_cache
def _draws(clusters: int, seed: int, restarts: int) -> tuple[np.ndarray, np.ndarray]:
    """What ``RandomState`` draws from [0, 1) for so many starts: for the first centre of each, and
    for the others. Layers and references share seeds, and to make the generator takes long."""
    trials = 2 + int(log(clusters))
    draws = np.random.RandomState(seed).random_sample((restarts, 1 + (clusters - 1) * trials))
    return np.ascontiguousarray(draws[:, 0]), np.ascontiguousarray(draws[:, 1:])


@lru_cache
def _shares(count: int) -> np.ndarray:
    """Where in [0, 1) the draws end that take each of so many points."""
    shares = np.full(count, 1 / count).cumsum()
    return np.asarray(shares / shares[-1])


@_jit
def _tightest(
    points: np.ndarray,
    across: np.ndarray,
    first: np.ndarray,
    draws: np.ndarray,
    clusters: int,
    tolerance: float,
) -> tuple[np.ndarray, float]:
    """Labels and summed squared distances of the best of the runs from each of the ``first``
    points, with the draws (runs, ...) for the others; -1 in place of the sum where a cluster is
    emptied in any of them."""
    best, least = _run(points, across, first[0], draws[0], clusters, tolerance)
    for run in range(1, len(first)):
        labels, total = _run(points, across, first[run], draws[run], clusters, tolerance)
        if total < 0 or least < 0:
            return best, -1.0
        if total < least and not _same(labels, best, clusters):
            best, least = labels, total
    return best, least


@_jit
def _same(one: np.ndarray, other: np.ndarray, clusters: int) -> bool:
    """Whether clusters are the same but for their numbers; then scikit-learn keeps the first, even
    where the second was stopped nearer to its centroids."""
    becomes = np.full(clusters, -1)
    for place in range(len(one)):
        if becomes[one[place]] < 0:
            becomes[one[place]] = other[place]
        elif becomes[one[place]] != other[place]:
            return False
    return True


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
    count = len(points)
    labels, members = np.full(count, -1), np.empty(count, np.int64)
    nearest, distances = np.empty(count), np.empty(count)
    settled = False
    for _ in range(_MOST_ITERATIONS):
        changed = _assign(across, centres, labels, nearest, distances)
        moved = _means(across, labels, centres, members)
        if moved < 0:
            return labels, -1.0
        if changed == 0:
            settled = True
            break
        if moved <= tolerance:
            break
    if not settled:
        _assign(across, centres, labels, nearest, distances)
    total = 0.0
    for place in range(count):
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
    whole = len(across) // AT_ONCE * AT_ONCE
    for axis in range(0, whole, AT_ONCE):
        rows = across[axis], across[axis + 1], across[axis + 2]
        at = centre[axis], centre[axis + 1], centre[axis + 2]
        for place in range(len(out)):
            one, two = rows[0][place] - at[0], rows[1][place] - at[1]
            three = rows[2][place] - at[2]
            out[place] = out[place] + one * one + two * two + three * three
    for axis in range(whole, len(across)):
        row, only = across[axis], centre[axis]
        for place in range(len(out)):
            apart = row[place] - only
            out[place] += apart * apart


@_jit
def _assign(
    across: np.ndarray,
    centres: np.ndarray,
    labels: np.ndarray,
    nearest: np.ndarray,
    distances: np.ndarray,
) -> int:
    """Each point to the nearest centre, the first of equal ones; how many had another before."""
    found = np.zeros(len(labels), np.int64)
    squared_distances(across, centres[0], nearest)
    for number in range(1, len(centres)):
        squared_distances(across, centres[number], distances)
        for place in range(len(labels)):
            closer = distances[place] < nearest[place]
            nearest[place] = distances[place] if closer else nearest[place]
            found[place] = number if closer else found[place]
    changed = 0
    for place in range(len(labels)):
        changed += labels[place] != found[place]
        labels[place] = found[place]
    return changed


@_jit
def _means(
    across: np.ndarray, labels: np.ndarray, centres: np.ndarray, members: np.ndarray
) -> float:
    """Move the centres to the means of their points, and say by how much: the sum of the squared
    ways, or -1 where one has no points. ``members`` (n,) is room to work in."""
    moved = 0.0
    for number in range(len(centres)):
        count = members_of(labels, number, members)
        if count == 0:
            return -1.0
        for axis in range(0, len(across), AT_ONCE):
            rows = across[axis], row_of(across, axis + 1), row_of(across, axis + 2)
            one = two = three = 0.0
            for member in members[:count]:
                one += rows[0][member]
                two += rows[1][member]
                three += rows[2][member]
            sums = one, two, three
            for step in range(min(AT_ONCE, len(across) - axis)):
                mean = sums[step] / count
                moved += (mean - centres[number, axis + step]) ** 2
                centres[number, axis + step] = mean
    return moved


@_jit
def row_of(across: np.ndarray, axis: int) -> np.ndarray:
    """The row of an axis; beyond the last, that of the last."""
    return across[min(axis, len(across) - 1)]


@_jit
def members_of(labels: np.ndarray, number: int, members: np.ndarray) -> int:
    """Write the places of the points with a label to the start of ``members`` (n,); how many."""
    count = 0
    for place in range(len(labels)):
        members[count] = place
        count += labels[place] == number
    return count
