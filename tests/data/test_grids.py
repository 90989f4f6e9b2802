"""Grids against each other: nibabel's reorientation is undone, SimpleITK's resampling matched."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from upwind.common.errors import UpwindError
from upwind.data.grids import (
    SAME_BOX,
    UNTURNED,
    difference,
    onto,
    resampled,
    turned_grid,
    turning,
)
from upwind.data.volumes import Grid

SHAPE = (3, 4, 5)
SPACING = (0.7, 0.9, 2.5)


def affine_of(angles=(0, 0, 0), spacing=SPACING, origin=(-100.0, 20.0, 300.0), shear=0.0):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ np.diag(spacing)
    affine[0, 1] += shear
    affine[:3, 3] = origin
    return affine


STRAIGHT = Grid(SHAPE, affine_of())
orders = st.permutations(range(3))
signs = st.tuples(*[st.sampled_from((1, -1))] * 3)
affines = st.builds(
    affine_of,
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.4, 6)] * 3),
    origin=st.tuples(*[st.floats(-900, 900)] * 3),
    shear=st.floats(-0.05, 0.05),
)


def stored_otherwise(array, affine, order, flips):
    """The array and affine that nibabel makes of them in another order of axes."""
    image = nib.Nifti1Image(array.astype(np.uint8), affine)
    other = image.as_reoriented(np.array(list(zip(order, flips, strict=True))))
    return np.asarray(other.dataobj) > 0, Grid(other.shape, other.affine)


@settings(max_examples=200, deadline=None)
@given(affines, orders, signs, st.integers(0, 2**60 - 1))
def test_a_mask_stored_in_any_order_is_the_same_mask(affine, order, flips, bits):
    mask = np.array([bits >> i & 1 for i in range(60)], bool).reshape(SHAPE)
    ct = Grid(SHAPE, affine)
    stored, grid = stored_otherwise(mask, affine, order, flips)
    # Files state affines in single precision.
    rounded = Grid(grid.shape, grid.affine.astype(np.float32).astype(float))
    np.testing.assert_array_equal(onto(stored, rounded, ct, "mask"), mask)
    back = turned_grid(ct, turning(rounded, ct))
    assert back.shape == grid.shape
    np.testing.assert_allclose(back.affine, grid.affine, atol=1e-9)


def test_turning_says_where_each_axis_goes():
    _, grid = stored_otherwise(np.zeros(SHAPE), STRAIGHT.affine, (2, 0, 1), (1, -1, 1))
    assert grid.shape == (4, 5, 3)
    np.testing.assert_array_equal(turning(grid, STRAIGHT), [[1, -1], [2, 1], [0, 1]])
    np.testing.assert_array_equal(turning(STRAIGHT, STRAIGHT), UNTURNED)


@pytest.mark.parametrize(("share", "same"), [(0.99, True), (1.01, False)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_boxes_may_be_off_by_a_tenth_of_a_voxel(share, same, axis):
    moved = STRAIGHT.affine.copy()
    moved[axis, 3] += share * SAME_BOX * SPACING[axis]
    assert (turning(Grid(SHAPE, moved), STRAIGHT) is not None) == same
    # A spacing that differs is off most in the farthest corner.
    wider = STRAIGHT.affine.copy()
    wider[axis, axis] *= 1 + share * SAME_BOX / (SHAPE[axis] - 1)
    assert (turning(Grid(SHAPE, wider), STRAIGHT) is not None) == same


def test_other_boxes_are_refused_with_what_differs():
    longer = Grid((3, 4, 6), STRAIGHT.affine)
    wider = Grid(SHAPE, affine_of(spacing=(1.4, 0.9, 2.5)))
    moved = Grid(SHAPE, affine_of(origin=(-100, 20, 303)))
    tilted = Grid(SHAPE, affine_of(angles=(0, 0, 3)))
    told = [
        (longer, ["shape 3 x 4 x 5 against 3 x 4 x 6 voxels", "2.5 mm apart"]),
        (wider, ["spacing 0.7 x 0.9 x 2.5 against 1.4 x 0.9 x 2.5 mm", "1.4 mm apart"]),
        (moved, ["origin (-100, 20, 300) against (-100, 20, 303) mm", "3 mm apart"]),
        (tilted, ["direction turned by 3 degrees"]),
    ]
    kinds = ("orientation", "shape", "spacing", "direction", "origin")
    for grid, words in told:
        with pytest.raises(UpwindError, match=r"a\.nii is on another grid than the CT") as error:
            onto(np.zeros(grid.shape, bool), grid, STRAIGHT, "a.nii")
        assert all(word in str(error.value) for word in words)
        differ = [kind for kind in kinds if kind in str(error.value)]
        assert differ == [words[0].split()[0]]


def test_a_difference_is_told_in_canonical_order():
    """Another order of axes is no difference of shape, spacing or origin."""
    _, grid = stored_otherwise(np.zeros(SHAPE), STRAIGHT.affine, (2, 0, 1), (1, -1, 1))
    words = difference(STRAIGHT, grid)
    assert words == f"orientation RAS against {grid.orientation}; corners up to 0 mm apart"


def itk_of(array, grid):
    """A stored array as SimpleITK has it: x to the left, y to the back."""
    image = sitk.GetImageFromArray(array.astype(np.uint8).transpose(2, 1, 0))
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    lps = np.diag([-1.0, -1.0, 1.0])
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps @ grid.affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin((lps @ grid.affine[:3, 3]).tolist())
    return image


@settings(max_examples=50, deadline=None)
# In tenths of a degree: of angles of 1e-128 SimpleITK's own decomposition fails.
@given(
    st.tuples(*[st.integers(-300, 300).map(lambda n: n / 10)] * 3),
    st.tuples(*[st.floats(-4, 4)] * 3),
    st.integers(0, 99),
)
def test_resampling_is_simpleitks_nearest_neighbour(angles, shift, seed):
    shape = (9, 8, 7)
    mask = np.random.default_rng(seed).random(shape) < 0.5
    grid = Grid(shape, affine_of(angles, (1.1, 0.8, 2.1), np.add((-100, 20, 300), shift)))
    ct = Grid((6, 10, 5), affine_of((5, -3, 40)))
    found = resampled(mask, grid, ct)
    expected = sitk.Resample(
        itk_of(mask, grid),
        itk_of(np.zeros(ct.shape), ct),
        sitk.Transform(),
        sitk.sitkNearestNeighbor,
    )
    expected = sitk.GetArrayFromImage(expected).transpose(2, 1, 0) > 0
    assert found.dtype == bool
    # Where a centre lies between two voxels, or on the border, rounding may choose either.
    index = np.linalg.inv(grid.affine) @ ct.affine
    voxels = np.indices(ct.shape).reshape(3, -1)
    at = (index[:3, :3] @ voxels + index[:3, 3:]).reshape(3, *ct.shape)
    clear = (np.abs(at % 1 - 0.5) > 1e-6).all(axis=0)
    np.testing.assert_array_equal(found[clear], expected[clear])


def test_resampling_is_done_only_when_asked_for():
    fine = Grid((6, 8, 10), STRAIGHT.affine @ np.diag([0.5, 0.5, 0.5, 1]))
    mask = np.zeros(fine.shape, bool)
    mask[2:4, 2:5, 4:7] = True
    found = onto(mask, fine, STRAIGHT, "a.nii", resample=True)
    expected = np.zeros(SHAPE, bool)
    expected[1, 1:3, 2:4] = True
    np.testing.assert_array_equal(found, expected)
