"""Are there clusters among a layer's kernels at all? Measured, with uncertainty, instead of seen.

k-means cuts any cloud into clusters, so what it finds is held against kernels that have none: the
same number drawn from the layer's own Gaussian (same mean, same covariance), and, by the caller,
the same network at initialisation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from upwind.common.compiled import jit
from upwind.common.intervals import percentile_interval
from upwind.common.side_by_side import side_by_side
from upwind.kernels.analysis_settings import AnalysisSettings, normal_quantile
from upwind.kernels.clustering import can_be_clustered, kmeans, one_thread, sampled
from upwind.kernels.layers import Layer
from upwind.kernels.lloyd import Centred, kmeans_labels
from upwind.kernels.silhouette import silhouette_widths

SILHOUETTE, GAP, BEST, STARTS = "silhouette", "gap", "best_clusters", "ari_starts"
FOLDS, INITIAL = "ari_folds", "ari_initial"
# Kernels that a silhouette is averaged over, at most: it needs all distances, and its standard
# error is 0.002 with so many.
_SILHOUETTE_KERNELS = 1024
# Starts of k-means within the gap statistic, data and references alike.
_GAP_RESTARTS = 2
COLUMNS = [
    "part", "layer", "kernels", "measure", "value", "low", "high",
    "reference", "reference_low", "reference_high",
]  # fmt: skip


def cluster_tendency(
    layers: Iterable[Layer], settings: AnalysisSettings, threads: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cluster tendency of each layer, and the gap statistic for every number of clusters. Layers
    with too few different kernels are left out.

    The sets of kernels of a layer, its own and those drawn, go side by side on ``threads``; numbers
    are the same on any number of them.

    The first table has a row per layer and measure: ``part``, ``layer``, ``kernels`` (looked at),
    ``measure``, its ``value`` with the interval ``low`` to ``high``, and under ``reference``,
    ``reference_low`` and ``reference_high`` mean and interval of the same for kernels drawn from
    the layer's Gaussian. Measures:

    - ``silhouette``: mean silhouette width (Rousseeuw 1987) of the k-means clusters, the tightest
      of all starts; the interval takes kernels for independent draws, clusters being given.
    - ``gap``: the gap statistic (Tibshirani, Walther and Hastie 2001) for that number of clusters;
      above 0, clusters are tighter than a Gaussian's. The interval is that of the references.
    - ``best_clusters``: the number that the statistic's rule takes, 1 for no clusters.
    - ``ari_starts``: mean adjusted Rand index (Hubert and Arabie 1985) of pairs of k-means runs
      that differ in their one random start alone: 1 where the same clusters are found every time,
      0 for agreement by chance. The interval is the bootstrap's over starts.

    The second table has ``layer``, ``clusters``, ``log_w`` (log of the summed squared distances to
    the centroids), ``log_w_reference``, ``gap``, ``standard_error``.
    """
    rows, gaps = [], []
    for layer in layers:
        kernels = sampled(layer, settings)
        # The gap statistic, and every draw, need more different kernels than clusters.
        if not can_be_clustered(kernels, settings.tried):
            continue
        measured, gap = _measured(kernels, settings, threads)
        facts = {"part": layer.part, "layer": layer.number, "kernels": len(kernels)}
        rows += [facts | row for row in measured]
        gap.insert(0, "layer", layer.number)
        gaps.append(gap)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    return table, pd.concat(gaps, ignore_index=True) if gaps else pd.DataFrame()


def stability(
    folds: Sequence[Iterable[Layer]], initial: Iterable[Layer], settings: AnalysisSettings
) -> pd.DataFrame:
    """Do networks of the same architecture and seed, trained on different ``folds``, assign their
    kernels alike? In the form of :func:`cluster_tendency`'s first table.

    All start from the same ``initial`` weights, so kernel i of one is kernel i of the other.
    ``ari_folds`` is the mean adjusted Rand index of pairs of folds with its bootstrap interval over
    folds; ``ari_initial`` that of each fold with the clusters that the kernels had before any
    training: where it is as high, folds agree because of where they started.
    """
    with one_thread():
        labels = [_labels_by_layer(layers, settings) for layers in folds]
        before = _labels_by_layer(initial, settings)
    rows = []
    for number, (part, start) in before.items():
        trained = [found[number][1] for found in labels if number in found]
        if len(trained) < 2:
            continue
        pairs = _ari_matrix(trained)
        value, low, high = _mean_over_pairs(pairs, settings)
        since = np.array([adjusted_rand(start, after) for after in trained])
        facts = {"part": part, "layer": number, "kernels": len(start)}
        rows.append(facts | {"measure": FOLDS, "value": value, "low": low, "high": high})
        low, high = percentile_interval(_resampled_means(since, settings), settings.confidence)
        rows.append(facts | {"measure": INITIAL, "value": since.mean(), "low": low, "high": high})
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


@dataclass(frozen=True)
class Partition:
    """Clusters of some points: ``labels`` (n,) from 0, and ``log_w``, the log of the summed squared
    distances to the centroids."""

    labels: np.ndarray
    log_w: float


def partitions(given: Centred, most_clusters: int, seed: int) -> list[Partition]:
    """k-means of points with 1 to ``most_clusters`` clusters; within
    :func:`upwind.kernels.clustering.one_thread`."""
    squares = (given.centred**2).sum()
    one = Partition(np.zeros(len(given.points), int), float(np.log(squares)))
    numbers = range(2, most_clusters + 1)
    return [one, *(_partition(given, number, seed, _GAP_RESTARTS) for number in numbers)]


def gap_statistic(
    ours: Sequence[Partition], references: Sequence[Sequence[Partition]]
) -> pd.DataFrame:
    """The gap statistic of points, from their :func:`partitions` and those of reference sets drawn
    from a distribution without clusters.

    Columns: ``clusters``, ``log_w``, ``log_w_reference`` (mean over the sets), ``gap`` (the latter
    minus the former), ``standard_error`` (s_k: standard deviation over the sets times
    sqrt(1 + 1 / sets)).
    """
    log_w = np.array([found.log_w for found in ours])
    theirs = np.array([[found.log_w for found in drawn] for drawn in references])
    mean = theirs.mean(axis=0)
    return pd.DataFrame(
        {
            "clusters": np.arange(len(ours)) + 1,
            "log_w": log_w,
            "log_w_reference": mean,
            "gap": mean - log_w,
            "standard_error": theirs.std(axis=0) * np.sqrt(1 + 1 / len(theirs)),
        }
    )


def best_number(gap: pd.DataFrame) -> int:
    """The least number of clusters k with Gap(k) >= Gap(k + 1) - s_(k + 1) (Tibshirani, Walther and
    Hastie's rule); the largest that was tried where there is none."""
    values, errors = gap["gap"].to_numpy(), gap["standard_error"].to_numpy()
    enough = values[:-1] >= values[1:] - errors[1:]
    place = int(enough.argmax()) if enough.any() else len(values) - 1
    return int(gap["clusters"].iloc[place])


def _measured(
    kernels: np.ndarray, settings: AnalysisSettings, threads: int
) -> tuple[list[dict[str, object]], pd.DataFrame]:
    """The first table's rows and the second's of kernels (n, 9)."""
    sets = [kernels, *_gaussian_draws(kernels, settings)]
    with one_thread():
        found = side_by_side(lambda points: _all_partitions(points, settings), sets, threads)
    (ours, *theirs), starts = zip(*found, strict=True)
    gap = gap_statistic(ours, theirs)
    labels = [_best([tried[settings.clusters - 1], *others]).labels for tried, others in found]
    rows = [
        _silhouette_row(sets, labels, settings, threads),
        _gap_row(gap, settings),
        {"measure": BEST, "value": best_number(gap)},
        _starts_row([_ari_matrix([one.labels for one in runs]) for runs in starts], settings),
    ]
    return rows, gap


def _gaussian_draws(kernels: np.ndarray, settings: AnalysisSettings) -> list[np.ndarray]:
    generator = np.random.default_rng(settings.seed)
    mean, covariance = kernels.mean(axis=0), np.cov(kernels, rowvar=False)
    return [
        generator.multivariate_normal(mean, covariance, len(kernels), method="eigh")
        for _ in range(settings.references)
    ]


def _gap_row(gap: pd.DataFrame, settings: AnalysisSettings) -> dict[str, object]:
    value, error = gap.loc[gap["clusters"] == settings.clusters, ["gap", "standard_error"]].iloc[0]
    half = normal_quantile(settings.confidence) * error
    row = {"measure": GAP, "value": value, "low": value - half, "high": value + half}
    return row | {"reference": 0.0, "reference_low": -half, "reference_high": half}


def _silhouette_row(
    sets: list[np.ndarray], labels: list[np.ndarray], settings: AnalysisSettings, threads: int
) -> dict[str, object]:
    """Of the first set; the others are the references."""
    chosen = np.random.default_rng(settings.seed).permutation(len(sets[0]))[:_SILHOUETTE_KERNELS]
    pairs = zip(sets, labels, strict=True)
    ours, *theirs = side_by_side(
        lambda pair: silhouette_widths(pair[0][chosen], pair[1][chosen]), pairs, threads
    )
    half = normal_quantile(settings.confidence) * stats.sem(ours)
    row = {"measure": SILHOUETTE, "value": ours.mean()}
    row |= {"low": ours.mean() - half, "high": ours.mean() + half}
    return row | _reference(np.array([widths.mean() for widths in theirs]), settings)


def _starts_row(pairs: list[np.ndarray], settings: AnalysisSettings) -> dict[str, object]:
    ours, *theirs = pairs
    value, low, high = _mean_over_pairs(ours, settings)
    row = {"measure": STARTS, "value": value, "low": low, "high": high}
    return row | _reference(np.array([_mean(other) for other in theirs]), settings)


def _all_partitions(
    points: np.ndarray, settings: AnalysisSettings
) -> tuple[list[Partition], list[Partition]]:
    """The :func:`partitions` of points, and those of runs that differ in their one start alone."""
    given = Centred.of(points)
    seeds = range(settings.seed, settings.seed + settings.starts)
    starts = [_partition(given, settings.clusters, seed, restarts=1) for seed in seeds]
    return partitions(given, settings.tried, settings.seed), starts


def _partition(given: Centred, clusters: int, seed: int, restarts: int) -> Partition:
    labels, total = kmeans_labels(given, clusters, seed, restarts)
    return Partition(labels, float(np.log(total)))


def _best(found: Iterable[Partition]) -> Partition:
    return min(found, key=lambda partition: partition.log_w)


def _labels_by_layer(
    layers: Iterable[Layer], settings: AnalysisSettings
) -> Mapping[int, tuple[str, np.ndarray]]:
    """Part, and the labels of the kernels, of each layer that can be clustered."""
    found = {}
    for layer in layers:
        kernels = sampled(layer, settings)
        if can_be_clustered(kernels, settings.clusters):
            labels, _, _ = kmeans(kernels, settings.clusters, settings.seed, settings.restarts)
            found[layer.number] = layer.part, labels
    return found


def adjusted_rand(one: np.ndarray, other: np.ndarray) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985) of two assignments (n,) of numbers from 0: 1 for
    the same clusters, 0 on average for chance. As scikit-learn's, which takes ten times as long
    for a layer, mostly to look at its arguments; a test holds the two together."""
    table = _contingency(one, other)
    together, in_one, in_other = (
        float((count * (count - 1) // 2).sum())
        for count in (table, table.sum(axis=1), table.sum(axis=0))
    )
    by_chance = in_one * in_other / (len(one) * (len(one) - 1) / 2)
    most = (in_one + in_other) / 2
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)


@jit(nogil=True)
def _contingency(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How many points (k, l) have each number in one assignment and each in the other."""
    table = np.zeros((one.max() + 1, other.max() + 1), np.int64)
    for place in range(len(one)):
        table[one[place], other[place]] += 1
    return table


def _ari_matrix(labels: Sequence[np.ndarray]) -> np.ndarray:
    """Adjusted Rand index of each pair of assignments; on the diagonal NaN."""
    matrix = np.full((len(labels), len(labels)), np.nan)
    for i, j in combinations(range(len(labels)), 2):
        matrix[i, j] = matrix[j, i] = adjusted_rand(labels[i], labels[j])
    return matrix


def _mean_over_pairs(pairs: np.ndarray, settings: AnalysisSettings) -> tuple[float, float, float]:
    """Mean of the pairs, and its bootstrap interval over what is paired; a pair of one and the same
    says nothing and is left out."""
    count = len(pairs)
    known, values = np.isfinite(pairs), np.nan_to_num(pairs)
    generator = np.random.default_rng(settings.seed)
    drawn = generator.multinomial(count, np.full(count, 1 / count), settings.resamples)
    weights = np.einsum("ri,ij,rj->r", drawn, known.astype(float), drawn)
    sums = np.einsum("ri,ij,rj->r", drawn, values, drawn)
    low, high = percentile_interval(sums[weights > 0] / weights[weights > 0], settings.confidence)
    return _mean(pairs), low, high


def _mean(pairs: np.ndarray) -> float:
    return float(np.nanmean(pairs))


def _resampled_means(values: np.ndarray, settings: AnalysisSettings) -> np.ndarray:
    generator = np.random.default_rng(settings.seed)
    return generator.choice(values, (settings.resamples, len(values))).mean(axis=1)


def _reference(values: np.ndarray, settings: AnalysisSettings) -> dict[str, float]:
    low, high = percentile_interval(values, settings.confidence)
    return {"reference": values.mean(), "reference_low": low, "reference_high": high}
