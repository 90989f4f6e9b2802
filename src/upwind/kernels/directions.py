"""Do kernels form clusters? A test with power, that minds neither their lengths nor their signs.

Under ReLU and a normalisation behind the layer the scale of a kernel means little, and so does its
sign where the next layer can turn it round. What is tested is therefore three things at once:
kernels of length 1 around axes (``axes``, of either sign) and around directions (``poles``), and
kernels as they are around points (``points``, k-means). A layer is held against a cloud that has no
clusters and shares everything else with it; docs/kernels.md gives size and power of the test.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from upwind.common.holm import holm
from upwind.common.side_by_side import side_by_side
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.clustering import can_be_clustered, one_thread, sampled
from upwind.kernels.direction_climbing import closeness
from upwind.kernels.layers import Layer
from upwind.kernels.lloyd import Centred, kmeans_labels
from upwind.kernels.proportions import wilson
from upwind.kernels.sizes import Size
from upwind.kernels.stencils import STENCILS, stencils_of

AXES, POLES, POINTS = STATISTICS = ("axes", "poles", "points")
# Kernels of length 1 whose product with a stencil of length 1 exceeds it lie within 18 degrees.
WITHIN = 0.95
# What counts as clusters lies farther than this from the cloud, as a share of the way from there to
# perfect clusters: the corners of a cube, which uniform kernels fill, make 0.01.
SLIGHT = 0.03
# The same for the share of kernels at a stencil, above that of the cloud.
SLIGHT_SHARE = 0.01
# Kernels share a direction where this share of them lies at it. That more do than of directions at
# random is no news: in nine dimensions those are 3 in 100,000, and kernels have a covariance.
MOST = 0.5
# Farther kernels are moved to so many times the median distance from the mean: a few that are much
# farther than the others would make the covariance theirs, and a cluster of each.
_FARTHEST = 2.0
_ROUNDS = 10
# Of fewer kernels for each weight no covariance tells which are far: their lengths do.
_KERNELS_PER_WEIGHT = 5
_KMEANS_RESTARTS = 2
# Below this share of the largest variance, a principal axis has none.
_FLAT = 1e-12


def directions_of(size: Size) -> dict[str, np.ndarray]:
    """Hand-crafted kernels of a size that shares are counted at: those that kernels are held
    against, and of 3x3 Sobel's across the columns, too."""
    turned = {"edge_down": STENCILS["edge_right"].T} if size == (3, 3) else {}
    return {**stencils_of(size), **turned}


def direction_tables(
    layers: Iterable[Layer], settings: AnalysisSettings, threads: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ``cluster_tests`` and ``concentrations`` of a network's layers; those with too few
    different kernels are left out. A layer and its clouds go side by side on ``threads``; numbers
    are the same on any number of them.

    The first has a row per layer and statistic: ``part``, ``layer``, ``kernels`` (looked at),
    ``statistic`` (axes, poles or points), its ``value`` for ``settings.clusters`` clusters (1 where
    each kernel lies in the middle of its cluster), ``reference`` and ``reference_sd`` (mean and
    standard deviation over clouds without clusters, :func:`clouds`), ``effect`` (what part of the
    way from the reference to 1), ``z`` (how far from it in standard deviations of a further cloud),
    ``p`` (one-sided, Student's t, of an effect of 0.03 at most), and ``holm_p``, over all rows of
    the network.

    The second has a row per layer and hand-crafted kernel: ``stencil``, the ``share`` of kernels
    within 18 degrees of it or of its negative, with Wilson's interval ``low`` to ``high``, the
    ``reference`` share in the clouds, ``p`` (Fisher's exact test, one-sided) and ``holm_p``; and
    ``isotropic``, the share of directions at random that lie there, ``p_isotropic`` (binomial test,
    one-sided) and ``holm_p_isotropic``. Clouds have a layer's mean and covariance: a direction that
    all kernels share is theirs, too, and only the isotropic share tells it.
    """
    tests, shares = [], []
    for layer in layers:
        kernels = shortened(sampled(layer, settings))
        if not can_be_clustered(kernels, settings.tried):
            continue
        sets = [kernels, *clouds(kernels, settings.references, settings.seed)]
        directions = directions_of(layer.size)
        facts = {"part": layer.part, "layer": layer.number, "kernels": len(kernels)}
        with one_thread():
            tests += [facts | row for row in _tests(sets, settings, threads)]
        shares += [facts | row for row in _concentrations(sets, directions, settings.confidence)]
    return _corrected(tests, "p"), _corrected(shares, "p", "p_isotropic")


def favoured(shares: pd.DataFrame, level: float) -> pd.DataFrame:
    """The rows of the table ``concentrations`` at whose hand-crafted kernel more kernels lie than
    chance puts there: with a corrected p below ``level``, and a share of 0.01 or more above."""
    above = shares["share"] - shares["reference"] >= SLIGHT_SHARE
    return shares[(shares["holm_p"] < level) & above]


def shared(shares: pd.DataFrame, level: float) -> pd.DataFrame:
    """The rows of the table ``concentrations`` at whose hand-crafted kernel half of the kernels lie
    or more, and more than directions at random, with a corrected p below ``level``."""
    most = shares["share"] >= MOST
    return shares[(shares["holm_p_isotropic"] < level) & most]


def isotropic_share(weights: int) -> float:
    """Of directions at random of so many weights, the share within 18 degrees of a given axis: the
    squared cosine has the beta distribution of 1/2 and (weights - 1)/2."""
    return float(stats.beta.sf(WITHIN**2, 0.5, (weights - 1) / 2))


def shortened(kernels: np.ndarray) -> np.ndarray:
    """Kernels (n, d), none farther from their mean than twice the median distance.

    Distances are in units of the covariance (Mahalanobis), and mean and covariance those of what is
    returned, to which a few rounds come close. Elliptical kernels so stay elliptical, however much
    one axis dominates; cut by their lengths they would gather at both ends of such an axis. Fewer
    than five kernels for each weight are cut by their lengths, to twice the median length: any of
    them is far in no covariance that it is a part of, and one long kernel would be a cluster.
    """
    if len(kernels) < _KERNELS_PER_WEIGHT * kernels.shape[1]:
        return _no_farther(kernels, np.linalg.norm(kernels, axis=1), np.zeros(kernels.shape[1]))
    moved = kernels
    for _ in range(_ROUNDS):
        ellipsoid = _ellipsoid(moved)
        moved = _no_farther(kernels, _distances(kernels, *ellipsoid), ellipsoid[0])
    return moved


def _no_farther(kernels: np.ndarray, distances: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Kernels (n, d) at these distances (n) from the middle, moved to twice the median at most."""
    most = _FARTHEST * np.median(distances[distances > 0]) if distances.any() else 0.0
    kept = np.divide(most, distances, out=np.ones_like(distances), where=distances > most)[:, None]
    # What is not moved keeps its bits.
    return np.where(kept < 1, middle + (kernels - middle) * kept, kernels)


def _ellipsoid(kernels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (d), principal axes (d, k) that kernels (n, d) vary along, standard deviations (k)."""
    variances, axes = np.linalg.eigh(np.cov(kernels, rowvar=False))
    wide = variances > _FLAT * variances[-1]
    return kernels.mean(axis=0), axes[:, wide], np.sqrt(variances[wide])


def _distances(
    kernels: np.ndarray, mean: np.ndarray, axes: np.ndarray, deviations: np.ndarray
) -> np.ndarray:
    """Mahalanobis distances (n) of kernels (n, d) from the mean of an :func:`_ellipsoid`."""
    return np.linalg.norm((kernels - mean) @ (axes / deviations), axis=1)


def clouds(kernels: np.ndarray, count: int, seed: int) -> Iterator[np.ndarray]:
    """Sets of kernels like the given ones (n, d), but without clusters: from an elliptical
    distribution with their mean, their covariance (of each set, to rounding) and their distances
    from the mean in units of it (Mahalanobis), shuffled.

    Kernels of an elliptical distribution, Gaussian ones among them, are one such set among others,
    given mean, covariance and distances, and so they are once :func:`shortened`; a test against
    clouds is exact for them but for the estimates of mean and covariance. Without their own
    distances, kernels of many scales would look clustered beside a Gaussian.
    """
    generator = np.random.default_rng(seed)
    mean, axes, deviations = _ellipsoid(kernels)
    distances = _distances(kernels, mean, axes, deviations)
    for _ in range(count):
        drawn = generator.normal(size=(len(kernels), len(deviations)))
        drawn *= (generator.permutation(distances) / np.linalg.norm(drawn, axis=1))[:, None]
        yield mean + _white(drawn) @ (axes * deviations).T


def _white(points: np.ndarray) -> np.ndarray:
    """Points (n, d) moved and stretched to mean 0 and covariance 1."""
    centred = points - points.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(centred, rowvar=False).reshape(centred.shape[1], -1))
    return centred @ (axes / np.sqrt(np.maximum(variances, _FLAT * variances[-1]))) @ axes.T


def unit(kernels: np.ndarray) -> np.ndarray:
    """Kernels (n, d) made of length 1; those that are zero are left out."""
    lengths = np.linalg.norm(kernels, axis=1)
    return np.ascontiguousarray(kernels[lengths > 0] / lengths[lengths > 0, None])


def statistic(kernels: np.ndarray, name: str, clusters: int, seed: int) -> float:
    """One of :data:`STATISTICS` of kernels (n, d): how close they come to so many axes, directions
    or points, 1 being on them."""
    if name != POINTS:
        return closeness(unit(kernels), clusters, name == AXES, seed)
    total = ((kernels - kernels.mean(axis=0)) ** 2).sum()
    _, within = kmeans_labels(Centred.of(kernels), clusters, seed, _KMEANS_RESTARTS)
    return float(1 - within / total)


def _tests(
    sets: list[np.ndarray], settings: AnalysisSettings, threads: int
) -> Iterator[dict[str, object]]:
    """Of the first set, held against the others."""
    for name in STATISTICS:
        measure = partial(statistic, name=name, clusters=settings.clusters, seed=settings.seed)
        value, *others = side_by_side(measure, sets, threads)
        mean, deviation = float(np.mean(others)), float(np.std(others, ddof=1))
        # As a further draw beside the others (a prediction interval).
        error = deviation * np.sqrt(1 + 1 / len(others))
        z = (value - mean) / error if error > 0 else 0.0
        slight = SLIGHT * (1 - mean) / error if error > 0 else 0.0
        yield {
            "statistic": name,
            "value": value,
            "reference": mean,
            "reference_sd": deviation,
            "effect": (value - mean) / (1 - mean) if mean < 1 else 0.0,
            "z": z,
            "p": float(stats.t.sf(z - slight, len(others) - 1)),
        }


def _concentrations(
    sets: list[np.ndarray], directions: Mapping[str, np.ndarray], confidence: float
) -> Iterator[dict[str, object]]:
    ours, theirs = unit(sets[0]), unit(np.concatenate(sets[1:]))
    for name, stencil in directions.items():
        direction = stencil.ravel() / np.linalg.norm(stencil.ravel())
        near, by_chance = (int((np.abs(y @ direction) > WITHIN).sum()) for y in (ours, theirs))
        share, count = np.array(near / len(ours)), np.array(len(ours))
        low, high = wilson(share, count, confidence)
        every, found = len(ours) + len(theirs), near + by_chance
        isotropic = isotropic_share(len(direction))
        yield {
            "stencil": name,
            "share": float(share),
            "low": float(low),
            "high": float(high),
            "reference": by_chance / len(theirs),
            "p": float(stats.hypergeom.sf(near - 1, every, found, len(ours))),
            "isotropic": isotropic,
            "p_isotropic": float(stats.binom.sf(near - 1, len(ours), isotropic)),
        }


def _corrected(rows: list[dict[str, object]], *columns: str) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    return table.assign(**{f"holm_{p}": holm(table[p].tolist()) for p in columns if rows})
