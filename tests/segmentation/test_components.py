"""The largest component, beside scipy's labels of the whole volume and ITK's."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from upwind.segmentation.components import connected_with, largest_component

MASKS = arrays.arrays(
    bool,
    st.tuples(*[st.integers(1, 6)] * 3),
    elements=st.booleans(),
)


def by_whole_volume(mask):
    """The same rule, from labels of the whole volume in the order of planes."""
    labels, count = ndimage.label(mask.transpose(2, 0, 1))
    if not count:
        return np.zeros_like(mask)
    sizes = np.bincount(labels.ravel())[1:]
    chosen = labels[labels > 0][np.argmax(sizes[labels[labels > 0] - 1])]
    return (labels == chosen).transpose(1, 2, 0)


@given(MASKS)
def test_it_is_that_of_labels_of_the_whole_volume(mask):
    np.testing.assert_array_equal(largest_component(mask), by_whole_volume(mask))


@given(MASKS)
def test_once_is_enough_and_nothing_is_added(mask):
    kept = largest_component(mask)
    assert not (kept & ~mask).any()
    np.testing.assert_array_equal(largest_component(kept), kept)


def test_it_has_as_many_voxels_as_itks():
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(40, 30, 25)), 1.5) > 0.02
    image = sitk.GetImageFromArray(noise.astype(np.uint8))
    ranked = sitk.RelabelComponent(sitk.ConnectedComponent(image, False), sortByObjectSize=True)
    np.testing.assert_array_equal(largest_component(noise), sitk.GetArrayFromImage(ranked) == 1)


def test_two_planes_are_joined_by_a_third():
    """A U that is open to below: two components in each lower plane, one in the volume."""
    mask = np.zeros((5, 1, 4), bool)
    mask[[0, 4]] = True
    mask[:, :, 3] = True
    assert largest_component(mask).sum() == mask.sum() == 11


@pytest.mark.parametrize("other", [(1, 1, 0), (1, 1, 1), (0, 1, 1)])
def test_an_edge_or_a_corner_connects_nothing(other):
    mask = np.zeros((3, 3, 3), bool)
    mask[0, 0, 0] = mask[other] = True
    assert largest_component(mask).sum() == 1


def test_of_equals_the_first_by_planes_stays():
    mask = np.zeros((4, 4, 4), bool)
    mask[0, 0, 3] = mask[3, 3, 1] = mask[3, 0, 1] = True
    assert np.argwhere(largest_component(mask)).tolist() == [[3, 0, 1]]


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 0)])
def test_an_empty_mask_stays_empty(shape):
    kept = largest_component(np.zeros(shape, bool))
    assert kept.shape == shape
    assert not kept.any()


def test_memory_is_that_of_the_answer(peak_memory, tmp_path):
    code = """
import numpy as np
from upwind.segmentation.components import largest_component
largest_component(np.ones((8, 8, 2), bool))
x, y = np.ogrid[:256, :256]
mask = np.empty((256, 256, 200), bool)
for z in range(200):
    mask[..., z] = (x // 16 + y // 16 + z // 16) % 3 > 0
start()
largest_component(mask)
"""
    peak, _ = peak_memory(code, tmp_path)
    assert peak < 2 * 256 * 256 * 200


@given(MASKS, st.randoms(use_true_random=False))
def test_what_is_connected_with_a_start_grows_from_it_in_each_slice(mask, random):
    """By conditional dilation of what mask and start have in common."""
    size = mask.shape[1:]
    start = np.array([random.random() < 0.2 for _ in range(size[0] * size[1])]).reshape(size)
    expected = [ndimage.binary_propagation(slice_ & start, mask=slice_) for slice_ in mask]
    np.testing.assert_array_equal(connected_with(mask, start), np.stack(expected))
