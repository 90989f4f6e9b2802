import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medpy.metric import binary
from scipy import ndimage

from upwind.scores.metrics import overlap, surface_distances

SPACING = (0.7, 0.8, 2.5)


def blob(seed, shape=(24, 20, 14), share=0.75):
    """A smooth random mask, in several parts and touching the borders now and then."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    return noise > np.quantile(noise, share)


def box(shape, *corners):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(low, high) for low, high in corners)] = True
    return mask


# Overlap ------------------------------------------------------------------------------------------


def test_overlap_by_hand():
    mask, label = np.zeros((2, 2, 4, 4), bool)
    mask[0, 0, :] = mask[1, 1, :2] = True  # 6 voxels
    label[0, 0, 1:] = label[1, 2, :] = True  # 7 voxels, 3 of them in common
    assert overlap(mask, label) == {
        "dsc": 6 / 13, "overlap_voxels": 3, "mask_voxels": 6, "label_voxels": 7,
    }  # fmt: skip


def test_dsc_of_two_empty_masks_is_undefined():
    empty = np.zeros((3, 3, 3), bool)
    result = overlap(empty, empty)
    assert math.isnan(result["dsc"])
    assert (result["overlap_voxels"], result["mask_voxels"], result["label_voxels"]) == (0, 0, 0)


def test_dsc_of_one_empty_mask_is_zero_both_ways():
    empty, full = np.zeros((3, 3, 3), bool), np.ones((3, 3, 3), bool)
    assert overlap(empty, full)["dsc"] == overlap(full, empty)["dsc"] == 0
    assert overlap(empty, full)["label_voxels"] == 27


@given(st.integers(0, 50), st.integers(51, 99))
@settings(deadline=None, max_examples=20)
def test_dsc_is_medpys_and_symmetric(a, b):
    mask, label = blob(a), blob(b)
    result = overlap(mask, label)
    assert result["dsc"] == pytest.approx(binary.dc(mask, label), abs=1e-12)
    assert result["dsc"] == overlap(label, mask)["dsc"]
    assert overlap(mask, mask)["dsc"] == 1


def test_counts_are_python_integers_beyond_32_bits():
    result = overlap(np.ones((4, 4, 4), bool), np.ones((4, 4, 4), bool))
    assert all(type(result[f"{name}_voxels"]) is int for name in ("overlap", "mask", "label"))


# Surface distances --------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("steps", [1, 4])
def test_parallel_planes_lie_as_far_apart_as_their_spacing_says(axis, steps):
    first, second = np.zeros((2, 12, 12, 12), bool)
    np.moveaxis(first, axis, 0)[3] = True
    np.moveaxis(second, axis, 0)[3 + steps] = True
    result = surface_distances(first, second, SPACING)
    assert result["hd95_mm"] == pytest.approx(steps * SPACING[axis])
    assert result["assd_mm"] == pytest.approx(steps * SPACING[axis])


def test_cubes_shifted_along_one_axis_by_hand():
    """Two 3-cubes of 1 mm, one shifted by 1 mm: of the 26 border voxels of each, 9 lie 1 mm from
    the other's border, and so does the one that coincides with the other's hollow centre."""
    first = box((8, 8, 8), (2, 5), (2, 5), (2, 5))
    second = box((8, 8, 8), (3, 6), (2, 5), (2, 5))
    result = surface_distances(first, second, (1, 1, 1))
    assert result["assd_mm"] == pytest.approx(10 / 26)
    assert result["hd95_mm"] == pytest.approx(1)


def test_single_voxels_lie_as_far_apart_as_pythagoras_says():
    first = box((6, 7, 8), (1, 2), (1, 2), (1, 2))
    second = box((6, 7, 8), (4, 5), (5, 6), (6, 7))
    expected = math.hypot(3 * 0.7, 4 * 0.8, 5 * 2.5)
    result = surface_distances(first, second, SPACING)
    assert result == pytest.approx({"hd95_mm": expected, "assd_mm": expected})


def test_hd95_leaves_out_the_farthest_and_assd_pools_both_directions():
    """A line of 100 voxels over one of 95: 95 + 95 distances of 1 mm, and five that grow."""
    line = box((1, 130, 8), (0, 1), (0, 100), (2, 3))
    shorter = box((1, 130, 8), (0, 1), (0, 95), (3, 4))
    distances = [1.0] * 190 + [math.hypot(1, n) for n in range(1, 6)]
    result = surface_distances(line, shorter, (1, 1, 1))
    assert result["hd95_mm"] == pytest.approx(1)
    assert result["assd_mm"] == pytest.approx(sum(distances) / 195)
    # With ten of them, rank 0.95 x 189 = 179.55 lies between the last 1 and the first diagonal.
    shorter[0, 90:] = False
    result = surface_distances(line, shorter, (1, 1, 1))
    assert result["hd95_mm"] == pytest.approx(1 + 0.55 * (math.sqrt(2) - 1))


@given(st.integers(0, 50), st.integers(51, 99), st.sampled_from([SPACING, (1, 1, 1), (3, 0.5, 1)]))
@settings(deadline=None, max_examples=25)
def test_surface_distances_are_medpys(a, b, spacing):
    mask, label = blob(a), blob(b, share=0.9)
    result = surface_distances(mask, label, spacing)
    assert result["hd95_mm"] == pytest.approx(binary.hd95(mask, label, voxelspacing=spacing))
    assert result["assd_mm"] == pytest.approx(binary.assd(mask, label, voxelspacing=spacing))


@given(st.integers(0, 99), st.integers(0, 99))
@settings(deadline=None, max_examples=15)
def test_surface_distances_are_symmetric_and_zero_for_equal_masks(a, b):
    mask, label = blob(a), blob(b)
    forth = surface_distances(mask, label, SPACING)
    assert forth == pytest.approx(surface_distances(label, mask, SPACING))
    assert surface_distances(mask, mask, SPACING) == {"hd95_mm": 0, "assd_mm": 0}


def test_surface_distances_do_not_depend_on_the_room_around_the_masks():
    mask, label = blob(1), blob(2)
    padded = [np.pad(array, ((5, 3), (1, 9), (4, 0))) for array in (mask, label)]
    expected = surface_distances(np.pad(mask, 1), np.pad(label, 1), SPACING)
    assert surface_distances(mask, label, SPACING) == pytest.approx(expected)
    assert surface_distances(*padded, SPACING) == pytest.approx(expected)


@pytest.mark.parametrize("empty", ["mask", "label", "both"])
def test_surface_distances_to_nothing_are_undefined(empty):
    mask = np.zeros((5, 5, 5), bool) if empty in ("mask", "both") else blob(0, (5, 5, 5))
    label = np.zeros((5, 5, 5), bool) if empty in ("label", "both") else blob(1, (5, 5, 5))
    result = surface_distances(mask, label, SPACING)
    assert all(math.isnan(value) for value in result.values())
    assert set(result) == {"hd95_mm", "assd_mm"}


def by_whole_volumes(mask, label, spacing):
    """Surface distances by transforms of the whole box, as this package made them before."""
    box = ndimage.find_objects((mask | label).astype(np.uint8))[0]
    a, b = (m[box] & ~ndimage.binary_erosion(m[box]) for m in (mask, label))
    there = ndimage.distance_transform_edt(~b, sampling=spacing)[a]
    back = ndimage.distance_transform_edt(~a, sampling=spacing)[b]
    distances = np.concatenate([there, back])
    return {
        "hd95_mm": float(np.percentile(distances, 95)),
        "assd_mm": float(distances.mean()),
    }


@given(
    st.integers(0, 999),
    st.tuples(*[st.integers(8, 50)] * 3),
    st.sampled_from([SPACING, (0.703125, 0.703125, 1.25), (0.7675781, 0.7675781, 0.8)]),
)
@settings(deadline=None, max_examples=40)
def test_slab_by_slab_every_digit_is_that_of_whole_volumes(seed, shape, spacing):
    mask, label = blob(seed, shape, 0.8), blob(seed + 1, shape, 0.97)
    if not label.any():
        return
    assert surface_distances(mask, label, spacing) == by_whole_volumes(mask, label, spacing)
    flipped = [np.asfortranarray(array)[::-1, :, ::-1] for array in (mask, label)]
    assert surface_distances(*flipped, spacing) == by_whole_volumes(*flipped, spacing)
    assert overlap(mask, label)["overlap_voxels"] == int((mask & label).sum())
