"""Signed distances against solids whose distance is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upwind.phantom.shapes import (
    capsule,
    ellipsoid,
    smooth_difference,
    smooth_intersection,
    smooth_union,
    superellipse,
    tube,
)

coordinate = st.floats(-50, 50, allow_nan=False)


def at(*point: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(np.array([v]) for v in point)


@given(coordinate, coordinate, coordinate)
def test_an_ellipsoid_of_equal_radii_is_a_sphere(x, y, z):
    distance = ellipsoid((1, 2, 3), (7, 7, 7))(*at(x, y, z))
    expected = np.sqrt((x - 1) ** 2 + (y - 2) ** 2 + (z - 3) ** 2) - 7
    assert np.sign(distance[0]) == np.sign(expected) or abs(expected) < 1e-6
    if abs(expected + 7) > 1e-3:
        assert distance[0] == pytest.approx(expected, abs=1e-6)


def test_an_ellipsoids_surface_follows_its_tilt():
    distance = ellipsoid((0, 0, 0), (4, 5, 10), tilt=(0.5, 0.0))(*at(5, 0, 10))
    assert distance[0] == pytest.approx(0, abs=1e-9)


def test_capsule_and_tube_distances():
    shape = capsule((0, 0, 0), (10, 0, 0), 2, 1)
    assert shape(*at(5, 4, 0))[0] == pytest.approx(4 - 1.5)
    assert shape(*at(-3, 0, 4))[0] == pytest.approx(5 - 2)
    assert shape(*at(13, 4, 0))[0] == pytest.approx(5 - 1)
    bent = tube([(0, 0, 0), (10, 0, 0), (10, 10, 0)], [1, 1, 1], blend=1e-6)
    assert bent(*at(13, 5, 0))[0] == pytest.approx(2)


@given(st.floats(0, 2 * np.pi), st.floats(1.5, 4))
def test_a_superellipse_is_zero_on_its_outline(angle, power):
    x = 30 * np.sign(np.cos(angle)) * abs(np.cos(angle)) ** (2 / power)
    y = 20 * np.sign(np.sin(angle)) * abs(np.sin(angle)) ** (2 / power)
    assert superellipse(np.array(x), np.array(y), 30, 20, power) == pytest.approx(0, abs=1e-9)


@given(coordinate, coordinate, st.floats(0.1, 20))
def test_smooth_combinations_differ_from_sharp_ones_by_a_quarter_of_the_blend(a, b, blend):
    a, b = np.array(a), np.array(b)
    assert -blend / 4 - 1e-9 <= smooth_union(a, b, blend) - np.minimum(a, b) <= 1e-9
    assert -1e-9 <= smooth_intersection(a, b, blend) - np.maximum(a, b) <= blend / 4 + 1e-9
    assert smooth_difference(a, b, blend) == pytest.approx(smooth_intersection(a, -b, blend))
