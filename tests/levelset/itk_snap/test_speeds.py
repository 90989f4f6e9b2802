"""Speeds against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upwind.levelset.itk_snap.speeds import edge_speed, region_speed


@pytest.mark.parametrize("smoothness", [1.0, 2.0, 3.0])
def test_region_speed_halfway_between_the_thresholds_is_one_minus_two_e(smoothness):
    # s (u - l) / 2 = ln(q) / 2 with q = (2 - e) / e; tanh(ln(q) / 2) = (q - 1) / (q + 1) = 1 - e.
    speed = region_speed(np.array([100.0]), 50.0, 150.0, smoothness)
    assert speed[0] == pytest.approx(1 - 2 * 10**-smoothness, abs=1e-6)


def test_region_speed_by_hand_with_smoothness_1():
    # e = 0.1, q = 19, s = ln(19) / 10. tanh(ln q) = (q^2 - 1) / (q^2 + 1) = 360 / 362.
    # On the lower threshold: 0 + 360/362 - 1. One width above the upper threshold:
    # tanh(2 ln q) = (q^4 - 1) / (q^4 + 1) = 130320 / 130322 and tanh(-ln q) = -360 / 362.
    speed = region_speed(np.array([0.0, 10.0, 20.0]), 0.0, 10.0, smoothness=1.0)
    expected = [360 / 362 - 1, 360 / 362 - 1, 130320 / 130322 - 360 / 362 - 1]
    np.testing.assert_allclose(speed, expected, atol=1e-6)


@given(
    z=st.floats(-1000, 3000),
    lower=st.floats(-200, 100),
    width=st.floats(1, 400),
    smoothness=st.floats(1, 4),
)
def test_region_speed_is_symmetric_bounded_and_grows_inside_only(z, lower, width, smoothness):
    upper = lower + width
    here, mirrored = region_speed(np.array([z, lower + upper - z]), lower, upper, smoothness)
    assert here == pytest.approx(mirrored, abs=2e-3)
    assert -1 <= here <= 1
    if lower + 0.2 * width < z < upper - 0.2 * width:
        assert here > 0
    if z < lower - 0.1 * width or z > upper + 0.1 * width:
        assert here < 0


def test_region_speed_refuses_thresholds_in_the_wrong_order():
    with pytest.raises(ValueError, match="not below"):
        region_speed(np.zeros(3), 100.0, 100.0)
    with pytest.raises(ValueError, match="smoothness"):
        region_speed(np.zeros(3), 0.0, 100.0, smoothness=0.0)


def test_edge_speed_on_two_ramps_by_hand():
    # Slopes 1 and 0.04 of the largest: x = 1 and x = scale, so g = 1 / (1 + 25^3) and g = 1 / 2.
    # A Gaussian leaves a ramp's slope as it is; the bend and the borders are 8 sigma away.
    rise = np.concatenate([np.full(40, 50.0), np.full(40, 2.0)])
    image = np.broadcast_to(np.cumsum(rise)[:, None, None], (80, 5, 5))
    g = edge_speed(image)
    np.testing.assert_allclose(g[10:30], 1 / 15626, rtol=1e-3)
    np.testing.assert_allclose(g[50:70], 1 / 2, rtol=1e-3)


def test_edge_speed_exponent_and_scale_by_hand():
    rise = np.concatenate([np.full(40, 10.0), np.full(40, 2.0)])
    image = np.broadcast_to(np.cumsum(rise)[:, None, None], (80, 5, 5))
    g = edge_speed(image, sigma=1.0, scale=0.1, exponent=2.0)  # x = 0.2: 1 / (1 + 2^2)
    np.testing.assert_allclose(g[50:70], 1 / 5, rtol=1e-3)


def test_edge_speed_of_a_flat_image_is_one_whatever_its_value():
    np.testing.assert_array_equal(edge_speed(np.full((9, 9, 9), 1234.5)), 1.0)


def test_edge_speed_does_not_depend_on_the_unit_of_intensity():
    image = np.random.default_rng(0).normal(size=(12, 12, 12))
    np.testing.assert_allclose(edge_speed(image), edge_speed(100 * image + 7), rtol=2e-3)
