"""The distances of SciPy's transform of the whole volume, bit for bit, in far less memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from upwind.scores.distances import nearest_distances

# Of LiTS cases, isotropic, and such that squares are not exact in binary.
SPACINGS = ((0.703125, 0.703125, 1.25), (0.75, 0.75, 0.8), (1, 1, 1), (0.7, 0.8, 2.5), (3, 0.5, 1))


def by_scipy(queries, targets, spacing):
    return ndimage.distance_transform_edt(~targets, sampling=spacing)[queries]


def ours(queries, targets, spacing):
    """Of arrays (x, y, z), as SciPy takes them."""
    return nearest_distances(*(np.ascontiguousarray(a.T) for a in (queries, targets)), spacing)


def points(rng, shape, share):
    mask = rng.random(shape) < share
    mask.flat[rng.integers(mask.size)] = True
    return mask


@given(
    st.tuples(*[st.integers(1, 14)] * 3),
    st.sampled_from([0.003, 0.05, 0.9]),
    st.sampled_from([0.003, 0.05, 0.9]),
    st.sampled_from(SPACINGS),
    st.integers(0, 999),
)
@settings(deadline=None, max_examples=300)
def test_scattered_voxels(shape, queries, targets, spacing, seed):
    rng = np.random.default_rng(seed)
    queries, targets = points(rng, shape, queries), points(rng, shape, targets)
    np.testing.assert_array_equal(
        ours(queries, targets, spacing), by_scipy(queries, targets, spacing)
    )


def test_far_apart_in_a_large_volume():
    rng = np.random.default_rng(0)
    for spacing in SPACINGS:
        queries, targets = np.zeros((2, 70, 80, 90), bool)
        queries[:12, 5:9, :20] = rng.random((12, 4, 20)) < 0.5
        targets[50:, 60:, 70:] = rng.random((20, 20, 20)) < 0.01
        np.testing.assert_array_equal(
            ours(queries, targets, spacing), by_scipy(queries, targets, spacing)
        )


def test_from_the_shell_of_a_full_volume_to_a_point_and_back():
    """What a network that failed to train gives: many voxels, all of them far away."""
    shell, point = np.zeros((2, 40, 30, 20), bool)
    shell[:], shell[1:-1, 1:-1, 1:-1] = True, False
    point[17, 14, 9] = True
    for pair in ((shell, point), (point, shell)):
        np.testing.assert_array_equal(ours(*pair, (1, 1, 1)), by_scipy(*pair, (1, 1, 1)))


def test_distances_come_in_the_order_of_the_voxels():
    queries, targets = np.zeros((2, 5, 4, 3), bool)
    targets[0, 0, 0] = True
    queries[[4, 0, 2, 2], [0, 3, 1, 1], [0, 0, 2, 0]] = True
    expected = [np.hypot.reduce(place) for place in np.argwhere(queries)]
    assert ours(queries, targets, (1, 1, 1)) == pytest.approx(expected)


def test_nothing_to_measure_from_gives_nothing():
    empty, target = np.zeros((2, 3, 3, 3), bool)
    target[1, 1, 1] = True
    assert nearest_distances(empty, target, (1, 1, 1)).shape == (0,)


def test_nothing_to_measure_to_is_refused():
    empty = np.zeros((3, 3, 3), bool)
    with pytest.raises(ValueError, match="no target"):
        nearest_distances(~empty, empty, (1, 1, 1))


@pytest.mark.parametrize("shape", [(3, 3, 4), (3, 3)])
def test_arrays_of_different_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="differ in shape"):
        nearest_distances(np.ones((3, 3, 3), bool), np.ones(shape, bool), (1, 1, 1))


def test_memory_is_that_of_a_few_slices_and_the_result():
    queries, targets = np.zeros((2, 200, 128, 128), bool)
    queries[20:180, 30:90, 30:90] = True
    targets[150:, 100:, 100:] = True
    nearest_distances(queries, targets, (1, 1, 1))  # compiles
    tracemalloc.start()
    distances = nearest_distances(queries, targets, (1, 1, 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Some ten numbers of 8 bytes for each pixel of a slice; a transform takes 60 a voxel.
    assert peak < distances.nbytes + 128 * 128 * 8 * 20 < 200 * 128 * 128 * 5
