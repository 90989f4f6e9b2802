import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medpy.metric import binary
from scipy import ndimage

from upwind.scores.measures import DISTANCES, nsd_column
from upwind.scores.metrics import diagonal, overlap, surface_scores, volume_difference

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
    result = surface_scores(first, second, SPACING)
    assert result["hd95_mm"] == pytest.approx(steps * SPACING[axis])
    assert result["assd_mm"] == pytest.approx(steps * SPACING[axis])


def test_cubes_shifted_along_one_axis_by_hand():
    """Two 3-cubes of 1 mm, one shifted by 1 mm: of the 26 border voxels of each, 9 lie 1 mm from
    the other's border, and so does the one that coincides with the other's hollow centre."""
    first = box((8, 8, 8), (2, 5), (2, 5), (2, 5))
    second = box((8, 8, 8), (3, 6), (2, 5), (2, 5))
    result = surface_scores(first, second, (1, 1, 1))
    assert result["assd_mm"] == pytest.approx(10 / 26)
    assert result["hd95_mm"] == pytest.approx(1)


def test_single_voxels_lie_as_far_apart_as_pythagoras_says():
    first = box((6, 7, 8), (1, 2), (1, 2), (1, 2))
    second = box((6, 7, 8), (4, 5), (5, 6), (6, 7))
    expected = math.hypot(3 * 0.7, 4 * 0.8, 5 * 2.5)
    result = surface_scores(first, second, SPACING)
    names = ("hd95_mm", "hd95_max_mm", "assd_mm")
    assert result == pytest.approx(dict.fromkeys(names, expected) | {"nsd_3mm": 0, "nsd_5mm": 0})


def test_hd95_leaves_out_the_farthest_and_assd_pools_both_directions():
    """A line of 100 voxels over one of 95: 95 + 95 distances of 1 mm, and five that grow."""
    line = box((1, 130, 8), (0, 1), (0, 100), (2, 3))
    shorter = box((1, 130, 8), (0, 1), (0, 95), (3, 4))
    distances = [1.0] * 190 + [math.hypot(1, n) for n in range(1, 6)]
    result = surface_scores(line, shorter, (1, 1, 1))
    assert result["hd95_mm"] == pytest.approx(1)
    assert result["assd_mm"] == pytest.approx(sum(distances) / 195)
    # With ten of them, rank 0.95 x 189 = 179.55 lies between the last 1 and the first diagonal.
    shorter[0, 90:] = False
    result = surface_scores(line, shorter, (1, 1, 1))
    assert result["hd95_mm"] == pytest.approx(1 + 0.55 * (math.sqrt(2) - 1))


def test_the_larger_direction_is_that_of_what_only_one_mask_has():
    """A line, and the same with a spur of 10 that the line knows nothing of: from the line all is
    at 0; from the other 10 of 110 lie 1 to 10 mm away, rank 0.95 x 109 = 103.55."""
    line = box((3, 100, 12), (1, 2), (0, 100), (1, 2))
    spur = line | box((3, 100, 12), (1, 2), (50, 51), (2, 12))
    result = surface_scores(line, spur, (1, 1, 1), (2, 4.5))
    assert result["hd95_max_mm"] == pytest.approx(4 + 0.55)
    # Both ways together: rank 0.95 x 209 = 198.55 of 210, of which the first 200 are 0.
    assert result["hd95_mm"] == 0
    assert result["nsd_2mm"] == 202 / 210
    assert result["nsd_4.5mm"] == 204 / 210


def test_a_border_at_the_tolerance_is_found():
    first, second = box((3, 3, 9), (1, 2), (1, 2), (1, 2)), box((3, 3, 9), (1, 2), (1, 2), (3, 4))
    assert surface_scores(first, second, SPACING, (5, 4.999)) == pytest.approx(
        dict.fromkeys(DISTANCES, 5.0) | {"nsd_5mm": 1, "nsd_4.999mm": 0}
    )


def test_columns_of_nsd_are_named_by_their_tolerance():
    assert list(map(nsd_column, (5, 5.0, 2.5, 0.75))) == [
        "nsd_5mm", "nsd_5mm", "nsd_2.5mm", "nsd_0.75mm",
    ]  # fmt: skip


def test_a_volumes_diagonal_runs_from_edge_to_edge():
    assert diagonal((3, 4, 12), (1, 1, 1)) == 13
    assert diagonal((3, 2, 5), (1, 2, 2.4)) == 13


@pytest.mark.parametrize(
    ("mask", "label", "ml", "percent"),
    [(90.0, 120.0, -30, -25), (150.0, 120.0, 30, 25), (0.0, 120.0, -120, -100), (0, 0, 0, None)],
)
def test_volume_differences_are_of_the_label(mask, label, ml, percent):
    difference = volume_difference(mask, label)
    assert difference["volume_difference_ml"] == ml
    if percent is None:
        assert math.isnan(difference["volume_difference_percent"])
    else:
        assert difference["volume_difference_percent"] == percent


@given(st.integers(0, 50), st.integers(51, 99), st.sampled_from([SPACING, (1, 1, 1), (3, 0.5, 1)]))
@settings(deadline=None, max_examples=25)
def test_surface_scores_are_medpys(a, b, spacing):
    mask, label = blob(a), blob(b, share=0.9)
    result = surface_scores(mask, label, spacing)
    assert result["hd95_mm"] == pytest.approx(binary.hd95(mask, label, voxelspacing=spacing))
    assert result["assd_mm"] == pytest.approx(binary.assd(mask, label, voxelspacing=spacing))


@given(st.integers(0, 99), st.integers(0, 99))
@settings(deadline=None, max_examples=15)
def test_surface_scores_are_symmetric_and_zero_for_equal_masks(a, b):
    mask, label = blob(a), blob(b)
    forth = surface_scores(mask, label, SPACING)
    assert forth == pytest.approx(surface_scores(label, mask, SPACING))
    found = {"nsd_3mm": 1, "nsd_5mm": 1}
    assert surface_scores(mask, mask, SPACING) == dict.fromkeys(DISTANCES, 0) | found


def test_surface_scores_do_not_depend_on_the_room_around_the_masks():
    mask, label = blob(1), blob(2)
    padded = [np.pad(array, ((5, 3), (1, 9), (4, 0))) for array in (mask, label)]
    expected = surface_scores(np.pad(mask, 1), np.pad(label, 1), SPACING)
    assert surface_scores(mask, label, SPACING) == pytest.approx(expected)
    assert surface_scores(*padded, SPACING) == pytest.approx(expected)


@pytest.mark.parametrize("empty", ["mask", "label", "both"])
def test_surface_scores_to_nothing_are_undefined(empty):
    mask = np.zeros((5, 5, 5), bool) if empty in ("mask", "both") else blob(0, (5, 5, 5))
    label = np.zeros((5, 5, 5), bool) if empty in ("label", "both") else blob(1, (5, 5, 5))
    result = surface_scores(mask, label, SPACING)
    assert all(math.isnan(result[name]) for name in DISTANCES)
    # Nothing of a border was found; where there is none, there was nothing to find.
    nsd = [result["nsd_3mm"], result["nsd_5mm"]]
    assert nsd == [0, 0] if empty != "both" else all(map(math.isnan, nsd))


def by_whole_volumes(mask, label, spacing):
    """Surface distances by transforms of the whole box, as this package made them before."""
    box = ndimage.find_objects((mask | label).astype(np.uint8))[0]
    a, b = (m[box] & ~ndimage.binary_erosion(m[box]) for m in (mask, label))
    there = ndimage.distance_transform_edt(~b, sampling=spacing)[a]
    back = ndimage.distance_transform_edt(~a, sampling=spacing)[b]
    distances = np.concatenate([there, back])
    return {
        "hd95_mm": float(np.percentile(distances, 95)),
        "hd95_max_mm": float(max(np.percentile(there, 95), np.percentile(back, 95))),
        "assd_mm": float(distances.mean()),
        "nsd_3mm": float(np.mean(distances <= 3)),
        "nsd_5mm": float(np.mean(distances <= 5)),
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
    assert surface_scores(mask, label, spacing) == by_whole_volumes(mask, label, spacing)
    flipped = [np.asfortranarray(array)[::-1, :, ::-1] for array in (mask, label)]
    assert surface_scores(*flipped, spacing) == by_whole_volumes(*flipped, spacing)
    assert overlap(mask, label)["overlap_voxels"] == int((mask & label).sum())
