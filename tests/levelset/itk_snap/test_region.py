"""The region of interest: what it covers, what it keeps, and the way back."""

import numpy as np
import pytest
from scipy import ndimage

from upwind.common.errors import UpwindError
from upwind.levelset.itk_snap.region import region_around


def box_label(shape, *corners):
    label = np.zeros(shape, dtype=bool)
    label[tuple(slice(a, b) for a, b in corners)] = True
    return label


def test_margin_is_in_mm_and_ends_at_the_volume():
    label = box_label((60, 50, 20), (20, 30), (2, 10), (8, 12))
    region = region_around(label, (1.0, 2.0, 5.0), margin_mm=6.0, working_mm=3.0)
    assert region.box == (slice(14, 36), slice(0, 13), slice(6, 14))
    # 22 x 1 mm, 13 x 2 mm, 8 x 5 mm in voxels of 3 mm, rounded up to cover the box.
    assert region.working_shape == (8, 9, 14)


@pytest.mark.parametrize("spacing", [(0.7, 0.7, 5.0), (2.0, 1.0, 3.0), (4.0, 4.0, 4.0)])
def test_linear_intensities_keep_their_place(spacing):
    # An image that is its own coordinate (mm) must be so on the working grid too: averaging in
    # bins and linear interpolation are exact on a plane, borders apart.
    shape = tuple(int(72 / s) for s in spacing)
    region = region_around(np.ones(shape, bool), spacing, margin_mm=0, working_mm=3.0)
    for axis in range(3):
        along = (np.arange(shape[axis]) + 0.5) * spacing[axis]
        image = np.broadcast_to(np.expand_dims(along, [a for a in range(3) if a != axis]), shape)
        working = region.to_working(image)
        expected = (np.arange(working.shape[axis]) + 0.5) * 3.0
        line = np.moveaxis(working, axis, 0)[:, 8, 8]
        np.testing.assert_allclose(line[2:-2], expected[2:-2], atol=1e-3)


def test_noise_falls_as_in_larger_voxels():
    # Bins of 3 x 3 x 1 voxels: the standard deviation falls to a third, unlike by sampling alone.
    image = np.random.default_rng(0).normal(scale=30, size=(90, 90, 30))
    region = region_around(np.ones(image.shape, bool), (1.0, 1.0, 3.0), 0, working_mm=3.0)
    assert region.to_working(image).std() == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("spacing", [(0.8, 0.8, 5.0), (3.0, 1.5, 2.0)])
def test_sphere_there_and_back_within_a_voxel(spacing):
    shape = tuple(int(100 / s) for s in spacing)
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    centre = (45.0, 52.0, 50.0)
    distance = np.sqrt(
        sum((axis * s - c) ** 2 for axis, s, c in zip(axes, spacing, centre, strict=True))
    )
    label = distance < 30
    region = region_around(label, spacing, margin_mm=10, working_mm=2.0)
    soft = region.to_working(label[region.box]) - 0.5
    back = region.to_grid(soft)
    assert back.shape == shape
    # Voxels that changed lie on the border: within one working voxel or one own voxel of it.
    changed = np.abs(distance - 30)[back != label]
    assert (changed < max(2.0, *spacing)).all()
    centre_of_mass = [c * s for c, s in zip(ndimage.center_of_mass(back), spacing, strict=True)]
    np.testing.assert_allclose(centre_of_mass, centre, atol=0.3)


def test_nothing_outside_the_box():
    label = box_label((30, 30, 30), (10, 15), (12, 20), (5, 9))
    region = region_around(label, (1.0, 1.0, 1.0), margin_mm=3, working_mm=1.0)
    mask = region.to_grid(np.ones(region.working_shape, np.float32))
    expected = box_label((30, 30, 30), (7, 18), (9, 23), (2, 12))
    np.testing.assert_array_equal(mask, expected)


def test_empty_label_is_refused():
    with pytest.raises(UpwindError, match="no liver voxel"):
        region_around(np.zeros((5, 5, 5), bool), (1.0, 1.0, 1.0), 5, 2.0)
