"""Replacements of a layer's kernels: exact properties of each."""

from functools import partial

import numpy as np
import pytest

from upwind.kernels.clustering import cluster
from upwind.kernels.layers import Layer
from upwind.kernels.moments import moments
from upwind.kernels.replacements import (
    RANDOM,
    REPLACEMENTS,
    changed_kernels,
    relative_norm,
)
from upwind.kernels.stencils import STENCILS

PROJECTIONS = ("mean_zero", "differences", "first_order")


def layer(seed=0, out=8, given=6):
    """Kernels with a mean and a covariance that is not the unit matrix."""
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(9, 9))
    return (random.normal(size=(out * given, 9)) @ mixing + 0.3).reshape(out, given, 3, 3)


def replaced(name, weights, seed=0):
    return REPLACEMENTS[name](weights, np.random.default_rng(seed), 2 * weights + 1)


def rows(weights):
    return sorted(map(tuple, weights.reshape(-1, 9)))


@pytest.mark.parametrize("name", REPLACEMENTS)
def test_shapes_stay_and_the_layer_is_left_as_it_was(name):
    weights = layer()
    kept = weights.copy()
    after = replaced(name, weights)
    assert after.shape == weights.shape
    assert after.dtype == float
    assert np.array_equal(weights, kept)


@pytest.mark.parametrize("name", REPLACEMENTS)
def test_only_the_random_ones_depend_on_the_generator(name):
    weights = layer()
    same = np.array_equal(replaced(name, weights, 1), replaced(name, weights, 2))
    assert same == (name not in RANDOM)
    assert np.array_equal(replaced(name, weights, 1), replaced(name, weights, 1))


@pytest.mark.parametrize("name", PROJECTIONS)
def test_a_projection_repeated_changes_nothing_and_no_kernel_grows(name):
    weights = layer()
    once = replaced(name, weights)
    np.testing.assert_allclose(replaced(name, once), once, atol=1e-12)
    lengths = [np.linalg.norm(w.reshape(-1, 9), axis=1) for w in (once, weights)]
    assert (lengths[0] < lengths[1]).all()


def test_each_projection_keeps_less_than_the_one_before():
    kept = [relative_norm(layer(), replaced(name, layer())) for name in PROJECTIONS]
    assert kept == sorted(kept)
    for smaller, larger in zip(PROJECTIONS[1:], PROJECTIONS[:-1], strict=True):
        through = replaced(smaller, replaced(larger, layer()))
        np.testing.assert_allclose(through, replaced(smaller, layer()), atol=1e-12)


def test_mean_zero_has_no_zeroth_moment_and_first_order_no_other_than_the_first():
    assert abs(moments(replaced("mean_zero", layer()))[..., 0, 0]).max() < 1e-13
    matrices = moments(replaced("first_order", layer()))
    assert abs(matrices[..., [0, 1], [1, 0]]).min() > 1e-3
    matrices[..., [0, 1], [1, 0]] = 0
    assert abs(matrices).max() < 1e-13


def test_centroids_are_the_means_of_the_clusters_of_figure_2():
    weights = layer(out=10, given=8)
    settings = {"clusters": 4, "seed": 3, "restarts": 2}
    centroid = partial(REPLACEMENTS["centroid"], **settings)
    after = centroid(weights, np.random.default_rng(0), weights).reshape(-1, 9)
    table = cluster([Layer(1, "first", weights)], **settings).kernels
    assert len(np.unique(after, axis=0)) == 4
    for _, part in table.groupby("cluster"):
        members = weights.reshape(-1, 9)[part["kernel"]]
        expected = np.broadcast_to(members.mean(axis=0), members.shape)
        np.testing.assert_allclose(after[part["kernel"]], expected)


@pytest.mark.parametrize("name", STENCILS)
def test_a_scaled_hand_crafted_kernel_is_nearest_to_itself(name):
    weights = np.array([0.7, -2.5])[:, None, None, None] * STENCILS[name]
    np.testing.assert_allclose(replaced("nearest", weights), weights, atol=1e-15)


def test_the_nearest_is_the_best_of_all_hand_crafted_kernels_at_any_scale():
    weights = layer()
    after = replaced("nearest", weights)
    for kernel, chosen in zip(weights.reshape(-1, 9), after.reshape(-1, 9), strict=True):
        errors = []
        for stencil in STENCILS.values():
            _, error, *_ = np.linalg.lstsq(stencil.reshape(9, 1), kernel, rcond=None)
            errors.append(float(error[0]))
        assert ((kernel - chosen) ** 2).sum() == pytest.approx(min(errors))


def test_shuffling_keeps_each_kernel_whole_and_moves_most():
    weights = layer()
    after = replaced("shuffled", weights)
    assert rows(after) == rows(weights)
    assert changed_kernels(weights, after) > 0.8 * 48


def test_noise_has_the_layers_mean_and_covariance():
    weights = layer(out=200, given=100)
    kernels, drawn = (w.reshape(-1, 9) for w in (weights, replaced("gaussian", weights)))
    expected = np.cov(kernels.T)
    sd = np.sqrt(np.diag(expected))
    # 20,000 kernels: five standard errors.
    assert (abs(drawn.mean(0) - kernels.mean(0)) < 5 * sd / np.sqrt(20_000)).all()
    gap = abs(np.cov(drawn.T) - expected) / np.outer(sd, sd)
    assert gap.max() < 5 * np.sqrt(2 / 20_000)
    assert not np.isclose(drawn, kernels).any(axis=1).any()


def test_its_own_start_and_nothing():
    weights = layer()
    np.testing.assert_array_equal(replaced("initial", weights), 2 * weights + 1)
    assert not replaced("zero", weights).any()


def test_what_was_changed_and_by_how_much():
    before = layer()
    after = before.copy()
    assert (changed_kernels(before, after), relative_norm(before, after)) == (0, 0)
    after[2, 3, 1, 1] += 1
    after[4, 5] *= 1 + 1e-9  # rounding
    assert changed_kernels(before, after) == 1
    assert relative_norm(before, 3 * before) == pytest.approx(2)
    assert relative_norm(before, np.zeros_like(before)) == pytest.approx(1)
