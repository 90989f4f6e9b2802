"""What became of the weights that a network had before training."""

import numpy as np
import pandas as pd
import pytest
import torch

from upwind.kernels.clustering import cluster
from upwind.kernels.layers import Layer
from upwind.kernels.since_start import beside_start, by_chance, correlation, strange_layers
from upwind.networks.unet import KERNELS, UNet
from upwind.settings.kernels import KernelMeasures


def layers(*weights):
    return [Layer(number, str(number), array) for number, array in enumerate(weights, 1)]


def test_a_layer_that_stayed_one_that_grew_and_one_that_is_another(caplog):
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
    assert "gives now in layers 3: " in caplog.text


def test_correlation_by_hand():
    one = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert correlation(one, -3 * one + 7) == pytest.approx(-1)
    assert correlation(one, np.array([[1.0, -1.0], [-1.0, 1.0]])) == pytest.approx(0)


def unet(seed, **options):
    torch.manual_seed(seed)
    return [layer.weight.detach().numpy() for layer in UNet(**options).layers()]


@pytest.mark.parametrize("kernels", KERNELS)
def test_the_start_of_another_seed_is_strange_in_every_layer(kernels):
    own, other = unet(0, kernels=kernels), unet(1, kernels=kernels)
    assert strange_layers(own, own) == []
    assert strange_layers(own, other) == list(range(1, 19))


def test_much_training_leaves_more_of_the_start_than_chance_gives():
    """A demo's UNet of 80 epochs has 0.88 in layer 17, its least; here each layer has less."""
    start, learned = unet(0), unet(1)
    trained = [before + 1.5 * change for before, change in zip(start, learned, strict=True)]
    assert max(correlation(*pair) for pair in zip(trained, start, strict=True)) < 0.7
    assert strange_layers(trained, start) == []


def test_a_layer_that_began_otherwise_is_named():
    """As of weights whose free first layer began with Glorot's weights, before it was He's."""
    own = unet(0, kernels="differences", first_layer="free")
    before = [unet(3)[0], *own[1:]]
    assert strange_layers(before, own) == [1]


def test_weights_that_are_not_finite_say_nothing():
    start = unet(0)
    diverged = [np.full_like(start[0], np.nan), *start[1:]]
    assert strange_layers(diverged, start) == []


@pytest.mark.parametrize("rank", [2, 5, 9])
@pytest.mark.parametrize("draw", ["normal", "uniform"])
def test_chance_is_as_wide_as_is_said(draw, rank):
    """Of a subspace's kernels as many weights are independent as it has dimensions. Whatever the
    weights are: here a few kernels are far larger than all others."""
    random = np.random.default_rng(rank)
    basis = np.linalg.qr(random.normal(size=(9, rank)))[0].T
    weights = (random.standard_cauchy((24, rank)) @ basis).reshape(6, 4, 3, 3)
    numbers = random.normal(size=(4000, 24, rank))
    if draw == "uniform":
        numbers = random.uniform(-1, 1, (4000, 24, rank))
    starts = (numbers @ basis).reshape(-1, 6, 4, 3, 3)
    found = [correlation(weights, start) for start in starts]
    assert np.std(found) == pytest.approx((24 * rank - 1) ** -0.5, rel=0.1)
    assert max(np.abs(found)) < by_chance(starts[0])
