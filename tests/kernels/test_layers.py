import numpy as np
import pytest

from upwind.common.errors import UpwindError
from upwind.kernels.layers import Layer, by_size, check_layers, random_layers, with_at_most


def test_kernels_are_those_of_the_weights_output_channel_by_output_channel():
    weights = np.arange(2 * 3 * 9, dtype=np.float32).reshape(2, 3, 3, 3)
    kernels = Layer(1, "a", weights).kernels
    assert kernels.shape == (6, 3, 3)
    assert kernels.dtype == float
    np.testing.assert_array_equal(kernels[4], weights[1, 1])


def test_random_layers_have_the_shapes_and_the_variance_of_he():
    layers = [
        Layer(1, "a", np.zeros((64, 32, 3, 3)), groups=2),
        Layer(2, "b", np.zeros((8, 1, 3, 3))),
    ]
    found = random_layers(layers, 0)
    assert [(x.number, x.name, x.groups) for x in found] == [(1, "a", 2), (2, "b", 1)]
    assert found[0].weights.var() == pytest.approx(2 / (32 * 9), rel=0.03)
    np.testing.assert_array_equal(found[1].weights, random_layers(layers, 0)[1].weights)
    assert (found[1].weights != random_layers(layers, 1)[1].weights).all()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros((4, 4, 5, 3)), r"layer 1 \(a\): weights of shape \(4, 4, 5, 3\)"),
        (np.zeros((3, 3)), r"are not kernels \(out, in, rows, columns\) of 3x3, 5x5, 7x7 or 3x3x3"),
        (np.full((1, 1, 3, 3), np.inf), r"layer 1 \(a\): weights hold NaN or infinite"),
    ],
)
def test_bad_weights_are_named(weights, message):
    with pytest.raises(UpwindError, match=message):
        check_layers([Layer(1, "a", weights)])


def test_kernels_of_two_sizes_are_not_compared():
    layers = [Layer(n, "a", np.zeros((1, 1, n, n))) for n in (5, 3)]
    with pytest.raises(UpwindError, match="kernels of 5x5 and 3x3 cannot be compared"):
        check_layers(layers)
    assert {size: len(those) for size, those in by_size(layers).items()} == {(3, 3): 1, (5, 5): 1}


def test_vectors_are_kernels_row_by_row():
    weights = np.arange(2 * 2 * 27.0).reshape(2, 2, 3, 3, 3)
    layer = Layer(1, "a", weights)
    assert layer.size == (3, 3, 3)
    np.testing.assert_array_equal(layer.vectors, weights.reshape(4, 27))


def test_no_layers_are_refused():
    with pytest.raises(UpwindError, match="no convolution layers"):
        check_layers([])


def test_of_a_large_layer_some_kernels_are_drawn_and_keep_their_numbers():
    layer = Layer(1, "a", np.random.default_rng(0).normal(size=(6, 5, 3, 3)))
    few = with_at_most(layer, 7, seed=0)
    assert len(few.kernels) == len(set(few.numbers)) == 7
    assert (np.diff(few.numbers) > 0).all()
    np.testing.assert_array_equal(few.kernels, layer.kernels[few.numbers])
    assert with_at_most(layer, 30, seed=0) is layer
    again = with_at_most(few, 3, seed=1)
    assert set(again.numbers) < set(few.numbers)
