"""Feature maps against a computation without torch."""

import numpy as np
import pytest
from scipy.signal import correlate2d

from upwind.atlas.responses import as_read, layer_maps, means_in_and_out, on_the_ct
from upwind.data.slices import read_slices


@pytest.fixture(scope="module")
def image(made):
    return read_slices(made.slices[0]).image[2]


def test_clusters_and_bias_add_up_to_what_the_layer_computes(made, image):
    clustered = made.clustered()
    for number, layer in enumerate(clustered.layers):
        layer.bias.data.fill_(0.1 * number)
    for number, maps in enumerate(layer_maps(clustered, image)):
        assert len(maps.contributions) == 3
        assert maps.bias == pytest.approx(0.1 * number)
        assert sum(maps.contributions) + maps.bias == pytest.approx(maps.leaving, abs=1e-5)


def test_kernels_that_are_kept_in_a_subspace_answer_as_others(constrained_and_free, image):
    constrained, free = (layer_maps(clustered, image) for clustered in constrained_and_free)
    for one, other in zip(constrained, free, strict=True):
        assert sum(one.contributions) + one.bias == pytest.approx(one.leaving, abs=1e-5)
        assert np.array_equal(one.contributions, other.contributions)
        assert np.array_equal(one.leaving, other.leaving)


def test_first_layer_by_hand(made, image):
    clustered = made.clustered()
    maps = layer_maps(clustered, image)[0]
    read = (np.clip(image.astype(float), -100, 400) + 100) / 250 - 1
    assert maps.entering == pytest.approx(read, abs=1e-6)
    kernels = clustered.layers[0].weight.detach().numpy()[:, 0]
    for cluster in (1, 2, 3):
        own = kernels[clustered.clusters[0][:, 0] == cluster]
        expected = sum(correlate2d(read, kernel, mode="same") for kernel in own) / len(kernels)
        assert maps.contributions[cluster - 1] == pytest.approx(expected, abs=1e-5)


def test_maps_have_the_size_of_their_layer_and_hooks_are_gone(made, image):
    clustered = made.clustered()
    sizes = [maps.leaving.shape[0] for maps in layer_maps(clustered, image)]
    assert sizes == [16, 16, 8, 8, 4, 4, 4, 4, 8, 8]
    assert not any(layer._forward_pre_hooks for layer in clustered.layers)


def test_second_layer_reads_the_first_after_its_relu(made, image):
    first, second = layer_maps(made.clustered(), image)[:2]
    assert second.entering.min() >= 0
    assert second.entering.mean() >= first.leaving.mean()


def test_a_filter_on_the_ct_acts_by_cross_correlation_and_leaves_the_border_quiet():
    ramp = np.tile(np.arange(6.0), (5, 1))
    edge = np.array([[0, 0, 0], [-1, 0, 1], [0, 0, 0]]) / 2
    filtered = on_the_ct(ramp, edge)
    assert filtered[:, 1:-1] == pytest.approx(1)
    assert filtered[:, [0, -1]] == pytest.approx(0.5)
    assert on_the_ct(np.full((4, 4), -1.0), edge) == pytest.approx(0)


def test_means_inside_and_outside_of_a_coarser_map():
    region = np.zeros((4, 4), bool)
    region[:2, :2] = True
    region[0, 2] = True
    picture = np.array([[1.0, 2.0], [3.0, 4.0]])
    inside, outside = means_in_and_out(picture, region)
    assert inside == pytest.approx((4 * 1 + 2) / 5)
    assert outside == pytest.approx((3 * 2 + 4 * 3 + 4 * 4) / 11)
    assert np.isnan(means_in_and_out(picture, np.zeros((4, 4), bool))[0])


def test_as_read_is_clipped_to_the_window(made):
    read = as_read(np.array([[-2000, 150], [400, 3000]], np.int16), made.clustered())
    assert read.tolist() == [[-1, 0], [1, 1]]
