"""Silhouette widths against scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from upwind.kernels.silhouette import silhouette_widths


@pytest.mark.parametrize("clusters", [2, 3, 5])
def test_widths_are_scikit_learns(clusters):
    random = np.random.default_rng(clusters)
    points = random.normal(size=(200, 9)) + 100
    labels = random.integers(clusters, size=200)
    expected = silhouette_samples(points, labels)
    np.testing.assert_allclose(silhouette_widths(points, labels), expected, atol=1e-11)


def test_points_alone_and_points_that_are_one():
    points = np.array([[0.0], [0.0], [0.0], [0.0], [5.0]])
    labels = np.array([4, 4, 7, 7, 9])  # numbers need not run from 0
    expected = silhouette_samples(points, labels)
    assert expected.tolist() == silhouette_widths(points, labels).tolist() == [0, 0, 0, 0, 0]
    apart = silhouette_widths(np.array([[0.0], [1.0], [11.0]]), np.array([0, 0, 1]))
    assert apart.tolist() == pytest.approx([10 / 11, 0.9, 0])
