"""Cluster tendency where it is known whether there are clusters."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_tendency import (
    COLUMNS,
    Partition,
    adjusted_rand,
    best_number,
    cluster_tendency,
    gap_statistic,
    partitions,
    stability,
)
from upwind.kernels.clustering import kmeans, one_thread
from upwind.kernels.layers import Layer
from upwind.kernels.lloyd import Centred

QUICK = AnalysisSettings(references=8, starts=4, resamples=200)


def layer(kernels, number=1):
    return Layer(number, f"layer {number}", kernels.reshape(-1, 2, 3, 3))


def three_clouds(seed=0, spread=0.1):
    random = np.random.default_rng(seed)
    centres = 2 * np.eye(9)[[0, 4, 8]]
    return np.repeat(centres, 40, axis=0) + spread * random.normal(size=(120, 9))


def one_cloud(seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(120, 9)) @ np.diag(np.linspace(0.5, 2, 9))


@pytest.fixture(scope="module")
def measured():
    """Rows of a layer with clusters, number 1, and of one without, number 2, by their measure."""
    table, gap = cluster_tendency([layer(three_clouds(), 1), layer(one_cloud(), 2)], QUICK)
    assert list(table.columns) == COLUMNS
    return {number: part.set_index("measure") for number, part in table.groupby("layer")}, gap


def test_clusters_that_are_there(measured):
    rows = measured[0][1]
    assert rows.loc["silhouette", "value"] > 0.8
    assert rows.loc["silhouette", "low"] > rows.loc["silhouette", "reference_high"]
    assert rows.loc["gap", "low"] > rows.loc["gap", "reference_high"]
    assert rows.loc["best_clusters", "value"] == 3
    assert rows.loc["ari_starts", "value"] == 1


def test_the_silhouette_is_that_of_the_tightest_of_all_starts():
    """A layer so small that one start differs from the next, by scikit-learn alone."""
    points = one_cloud()[:16]
    starts = [(0, 2), *((seed, 1) for seed in range(QUICK.starts))]
    models = [KMeans(3, random_state=seed, n_init=n).fit(points) for seed, n in starts]
    assert len({round(model.inertia_, 6) for model in models}) > 1
    best = min(models, key=lambda model: model.inertia_)
    rows = cluster_tendency([layer(points)], QUICK)[0].set_index("measure")
    assert rows.loc["silhouette", "value"] == pytest.approx(silhouette_score(points, best.labels_))
    worst = max(models, key=lambda model: model.inertia_)
    assert silhouette_score(points, worst.labels_) != pytest.approx(
        silhouette_score(points, best.labels_)
    )


def test_no_clusters_in_a_gaussian(measured):
    rows = measured[0][2]
    assert rows.loc["best_clusters", "value"] == 1
    silhouette, gap = rows.loc["silhouette"], rows.loc["gap"]
    assert silhouette["low"] < silhouette["reference_high"]
    assert gap["low"] < 0 < gap["high"]
    assert rows.loc["ari_starts", "value"] < 0.9


def test_the_silhouette_is_that_of_the_clusters(measured):
    with one_thread():
        labels, _, _ = kmeans(three_clouds(), 3, 0, 10)
    expected = silhouette_score(three_clouds(), labels)
    assert measured[0][1].loc["silhouette", "value"] == pytest.approx(expected)


def test_gap_by_its_definition(measured):
    gap = measured[1][measured[1]["layer"] == 1].set_index("clusters")
    points = three_clouds()
    total = ((points - points.mean(axis=0)) ** 2).sum()
    assert gap.loc[1, "log_w"] == pytest.approx(np.log(total))
    groups = points.reshape(3, 40, 9)
    within = ((groups - groups.mean(axis=1, keepdims=True)) ** 2).sum()
    assert gap.loc[3, "log_w"] == pytest.approx(np.log(within))
    assert gap.index.tolist() == [1, 2, 3, 4, 5]
    ours = [Partition(np.zeros(1), w) for w in (5.0, 3.0)]
    drawn = [[Partition(np.zeros(1), w) for w in ws] for ws in ((5.0, 4.0), (6.0, 4.4))]
    by_hand = gap_statistic(ours, drawn)
    assert by_hand["gap"].tolist() == pytest.approx([0.5, 1.2])
    assert by_hand["standard_error"].tolist() == pytest.approx([0.5 * 1.5**0.5, 0.2 * 1.5**0.5])


def test_the_number_of_clusters_by_tibshiranis_rule():
    def rule(gaps, errors):
        numbers = range(1, len(gaps) + 1)
        return best_number(
            pd.DataFrame({"clusters": numbers, "gap": gaps, "standard_error": errors})
        )

    assert rule([0.0, 0.05, 0.3], [0.1, 0.1, 0.1]) == 1  # 0 >= 0.05 - 0.1
    assert rule([0.0, 0.5, 0.55], [0.1, 0.1, 0.1]) == 2
    assert rule([0.0, 0.5, 1.0], [0.1, 0.1, 0.1]) == 3  # none before


def test_partitions_have_as_many_clusters_as_they_are_asked_for():
    with one_thread():
        found = partitions(Centred.of(one_cloud()), 4, 0)
    assert [len(set(each.labels)) for each in found] == [1, 2, 3, 4]
    assert sorted((each.log_w for each in found), reverse=True) == [each.log_w for each in found]


@pytest.mark.parametrize("seed", range(4))
def test_the_rand_index_is_scikit_learns(seed):
    random = np.random.default_rng(seed)
    one, other = random.integers(3, size=60), random.integers(seed + 1, size=60)
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)
    assert adjusted_rand(one, 2 - one) == 1


def test_stability_over_folds_and_since_the_start():
    start = three_clouds(0)
    folds = [
        [layer(start + 0.01 * np.random.default_rng(n).normal(size=start.shape))] for n in (1, 2)
    ]
    table = stability(folds, [layer(start)], QUICK).set_index("measure")
    assert table.loc[["ari_folds", "ari_initial"], "value"].tolist() == [1, 1]
    # Folds that went their own way agree neither with each other nor with the start.
    apart = [[layer(start[np.random.default_rng(n).permutation(120)])] for n in (1, 2, 3)]
    table = stability(apart, [layer(start)], QUICK).set_index("measure")
    assert (table["value"].abs() < 0.1).all()
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()


def test_layers_are_sampled_and_those_too_small_left_out():
    settings = AnalysisSettings(references=3, starts=2, resamples=10, sample=100)
    few = np.ones((4, 9)) * np.arange(4)[:, None]
    table, gap = cluster_tendency([layer(one_cloud(), 1), layer(few, 2)], settings)
    assert table["layer"].unique().tolist() == [1]
    assert gap["layer"].unique().tolist() == [1]
    assert table["kernels"].unique().tolist() == [100]


def test_the_same_numbers_every_time():
    """On any number of threads."""
    first, second = (cluster_tendency([layer(one_cloud())], QUICK, n)[0] for n in (1, 3))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
