"""Measures of the CNN Filter DB on kernels whose values are known."""

import numpy as np
import pytest

from upwind.kernels.filter_db import (
    chance_shift,
    distribution_shift,
    filter_table,
    orthogonality,
    randomness,
    randomness_threshold,
    shift_table,
    sparsity,
    variance_entropy,
)
from upwind.kernels.layers import Layer


def normal(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3, 3))


def test_sparsity_is_about_the_largest_weight_of_each_kernel():
    kernels = np.zeros((4, 3, 3))
    kernels[:, 1, 1] = [1, 0.0101, 0.0099, 0]
    assert sparsity(kernels) == 0.5
    assert sparsity(1e-9 * kernels) == 0.5
    assert sparsity(np.zeros((3, 3, 3))) == 1


def test_variance_entropy_of_kernels_with_known_axes():
    every = np.concatenate([np.eye(9), -np.eye(9)]).reshape(-1, 3, 3)
    assert variance_entropy(every) == pytest.approx(np.log10(9))
    line = np.arange(5.0)[:, None, None] * normal(1)
    assert variance_entropy(line) == pytest.approx(0, abs=1e-12)
    assert variance_entropy(np.ones((6, 3, 3))) == 0
    # Two axes with 3/4 and 1/4 of the variance.
    two = np.concatenate([np.eye(9)[:2], -np.eye(9)[:2]]) * np.array(
        [3**0.5, 1, 1, 1, 1, 1, 1, 1, 1]
    )
    expected = -(0.75 * np.log10(0.75) + 0.25 * np.log10(0.25))
    assert variance_entropy(two.reshape(-1, 3, 3)) == pytest.approx(expected)


def test_randomness_of_random_kernels_is_about_one():
    assert randomness_threshold(2) < 0 < randomness_threshold(3)
    # As many as there could be: the threshold is close to the entropy's limit, log10 9 = 0.954.
    assert randomness_threshold(1e9) == pytest.approx(0.9513, abs=1e-4)
    assert randomness(normal(2000)) == pytest.approx(1, abs=0.01)
    assert np.isnan(randomness(normal(2)))


def test_orthogonality():
    apart = np.eye(27)[:8].reshape(8, 3, 3, 3)
    assert orthogonality(5 * apart) == 1
    assert orthogonality(np.concatenate([apart[:1], -apart[:1]])) == 0
    # Three filters, one pair at 60 degrees: six ordered pairs, two of which have |cosine| 1/2.
    tilted = apart[:3].copy()
    tilted[1] = (apart[0] + 3**0.5 * apart[1]) / 2
    assert orthogonality(tilted) == pytest.approx(1 - 1 / 6)
    assert np.isnan(orthogonality(apart[:1]))


def by_the_book(one, other):
    """The distribution shift, step by step, with scikit-learn's PCA and SciPy's entropy."""
    from scipy.stats import entropy
    from sklearn.decomposition import PCA

    one, other = (k / np.abs(k).max(axis=(1, 2), keepdims=True) for k in (one, other))
    pca = PCA(9).fit(np.concatenate([one, other]).reshape(-1, 9))
    a, b = (pca.transform(k.reshape(-1, 9)) for k in (one, other))
    limits = (min(a.min(), b.min()), max(a.max(), b.max()))
    total = 0
    for axis, ratio in enumerate(pca.explained_variance_ratio_):
        p, q = (np.histogram(x[:, axis], 70, limits)[0] / len(x) for x in (a, b))
        p, q = (np.where(h == 0, np.finfo(np.float32).eps, h) for h in (p, q))
        total += ratio * (entropy(p, q) + entropy(q, p))  # entropy normalises
    return total


def test_distribution_shift():
    one, other = normal(400), normal(300, 1) * np.arange(1, 10).reshape(3, 3)
    # Signs of axes turn histograms round; with one range for all that can move a bin's edge.
    assert distribution_shift(one, other) == pytest.approx(by_the_book(one, other), rel=0.05)
    assert distribution_shift(one, 3 * one) == pytest.approx(0, abs=1e-9)
    assert distribution_shift(one, other) == pytest.approx(distribution_shift(other, one))


def test_a_shift_by_chance_is_that_of_equal_distributions():
    chance = chance_shift(normal(300), normal(300, 1), 10, 0)
    assert distribution_shift(normal(300), normal(300, 1)) == pytest.approx(chance, rel=0.3)
    moved = normal(300, 1) + 1.5
    assert distribution_shift(normal(300), moved) > 3 * chance_shift(normal(300), moved, 10, 0)


def test_pairs_that_are_nearly_the_same_are_swapped_within_pairs():
    """As a layer and its own start: halves of the pool would be farther apart than they are."""
    one = normal(300)
    other = one + 0.02 * normal(300, 1)
    shift = distribution_shift(one, other)
    assert chance_shift(one, other, 10, 0, paired=True) == pytest.approx(shift, rel=0.3)
    assert chance_shift(one, other, 10, 0) > 2 * shift
    moved = other + 0.5
    assert distribution_shift(one, moved) > 1.5 * chance_shift(one, moved, 10, 0, paired=True)
    assert chance_shift(one, one, 3, 0, paired=True) == 0


def test_tables():
    layers = [Layer(1, "a", normal(12).reshape(4, 3, 3, 3)), Layer(2, "b", normal(4)[:, None])]
    table = filter_table(layers)
    assert table["kernels"].tolist() == [12, 4]
    assert table["orthogonality"].tolist() == [orthogonality(x.weights) for x in layers]
    shifts = shift_table(layers, {1: layers[0]}, 3, 0)
    assert shifts["layer"].tolist() == [1]
    assert shifts["shift"].item() == pytest.approx(0)
    assert shifts["shift_chance"].item() > 0
