"""k-means, compiled, against scikit-learn's, label by label."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from upwind.kernels.clustering import one_thread
from upwind.kernels.lloyd import Centred, kmeans_labels


def points(kind, count):
    random = np.random.default_rng(count)
    if kind == "doubled":
        return np.repeat(random.normal(size=(count // 3, 9)), 3, axis=0)
    cloud = random.normal(size=(count, 9)) @ np.diag(np.linspace(0.1, 2, 9)) + 5
    return cloud + 4 * np.eye(9)[random.integers(3, size=count)] * (kind == "clusters")


@pytest.mark.parametrize("kind", ["cloud", "clusters", "doubled"])
@pytest.mark.parametrize(("count", "restarts"), [(12, 2), (100, 1), (1000, 2)])
def test_labels_are_scikit_learns(kind, count, restarts):
    given = points(kind, count)
    for clusters in (2, 3, 4, 5):
        for seed in range(5 if clusters < len(np.unique(given, axis=0)) else 0):
            labels, total = kmeans_labels(Centred.of(given), clusters, seed, restarts)
            with one_thread():
                theirs = KMeans(clusters, random_state=seed, n_init=restarts).fit(given)
            np.testing.assert_array_equal(labels, theirs.labels_)
            assert total == pytest.approx(theirs.inertia_, rel=1e-12)


def test_a_run_that_empties_a_cluster_is_left_to_scikit_learn():
    """Two different points and three clusters: one of k-means++'s centres is there twice."""
    given = np.repeat(np.eye(9)[:2], 5, axis=0)
    with pytest.warns(match="Number of distinct clusters"):
        labels, total = kmeans_labels(Centred.of(given), 3, 0, 1)
    assert len(set(labels)) == 2
    assert total == 0
