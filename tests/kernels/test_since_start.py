"""What became of the weights that a network had before training."""

import numpy as np
import pandas as pd
import pytest

from upwind.kernels.clustering import cluster
from upwind.kernels.layers import Layer
from upwind.kernels.since_start import beside_start, correlation
from upwind.settings.kernels import KernelMeasures


def layers(*weights):
    return [Layer(number, str(number), array) for number, array in enumerate(weights, 1)]


def test_a_layer_that_stayed_one_that_grew_and_one_that_is_another():
    random = np.random.default_rng(0)
    start = [random.normal(size=(8, 4, 3, 3)) for _ in range(3)]
    other = random.normal(size=(8, 4, 3, 3))
    trained = layers(start[0], 2 * start[1], other)
    settings = KernelMeasures(restarts=2)
    table = cluster(trained, settings.clusters, settings.seed, settings.restarts).layers
    found = beside_start(table, trained, layers(*start), settings)
    assert found["moved"].tolist() == pytest.approx([0, 1, np.sqrt(2)], abs=0.1)
    assert found["correlation"].tolist() == pytest.approx([1, 1, 0], abs=0.1)
    assert found["moved"][0] == 0
    ratio = found["kmeans_mean_score"] / found["kmeans_mean_score_start"]
    assert ratio.tolist() == pytest.approx([1, 4, 1], rel=0.15)
    pd.testing.assert_frame_equal(found[table.columns.tolist()], table)


def test_correlation_by_hand():
    one = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert correlation(one, -3 * one + 7) == pytest.approx(-1)
    assert correlation(one, np.array([[1.0, -1.0], [-1.0, 1.0]])) == pytest.approx(0)
