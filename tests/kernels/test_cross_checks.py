"""The same numbers from other packages' implementations, on the same arrays."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from upwind.kernels.cluster_tendency import gap_statistic, partitions
from upwind.kernels.clustering import one_thread
from upwind.kernels.filter_db import randomness, sparsity, variance_entropy
from upwind.kernels.lloyd import Centred

RANDOM = np.random.default_rng(0)
ARRAYS = {
    "normal": RANDOM.normal(size=(16, 8, 3, 3)),
    "of one direction": RANDOM.normal(size=(16, 8, 1, 1)) * RANDOM.normal(size=(3, 3))
    + 0.01 * RANDOM.normal(size=(16, 8, 3, 3)),
    "half of it nearly zero": RANDOM.normal(size=(16, 8, 3, 3))
    * np.repeat([1, 1e-4], 8)[:, None, None, None],
}


@pytest.mark.filterwarnings("ignore:.*distutils")  # which they import and do not use
@pytest.mark.parametrize("name", ARRAYS)
def test_sparsity_and_entropy_are_those_of_cnn_filter_dbs_authors(name):
    theirs = pytest.importorskip("torchconvquality", reason="torchconvquality is not installed")
    weights = ARRAYS[name]
    kernels, tensor = weights.reshape(-1, 3, 3), torch.tensor(weights)
    share, _ = theirs.sparsity(tensor)
    entropy, over_threshold = theirs.variance_entropy(tensor)
    assert sparsity(kernels) == pytest.approx(share)
    assert variance_entropy(kernels) == pytest.approx(entropy, rel=1e-6)
    assert randomness(kernels) == pytest.approx(over_threshold, rel=1e-6)


def _log_dispersion(points, clusters):
    """log W_k by the definition: the sum over clusters of all squared distances of pairs, over
    twice the number of points (Tibshirani, Walther and Hastie 2001, equations 1 and 2)."""
    labels = KMeans(clusters, random_state=0, n_init=2).fit_predict(points)
    groups = [points[labels == label] for label in set(labels)]
    return np.log(sum((cdist(group, group) ** 2).sum() / (2 * len(group)) for group in groups))


def test_the_gap_statistic_by_its_definition():
    points = RANDOM.normal(size=(90, 9)) + 3 * np.repeat(np.eye(9)[:3], 30, axis=0)
    drawn = [RANDOM.normal(size=(90, 9)) for _ in range(5)]
    with one_thread():
        ours = partitions(Centred.of(points), 4, 0)
        found = gap_statistic(ours, [partitions(Centred.of(one), 4, 0) for one in drawn])
    for k, row in zip(range(1, 5), found.itertuples(), strict=True):
        references = [_log_dispersion(one, k) for one in drawn]
        assert row.gap == pytest.approx(np.mean(references) - _log_dispersion(points, k))
        spread = np.std(references) * np.sqrt(1 + 1 / 5)
        assert row.standard_error == pytest.approx(spread, rel=1e-6, abs=1e-12)
