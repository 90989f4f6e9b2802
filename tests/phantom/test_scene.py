"""Painting with partial volume, and smooth random fields."""

import numpy as np
import pytest
from scipy.interpolate import BSpline

from upwind.phantom.hounsfield import Tissue
from upwind.phantom.scene import Scene, smooth_field
from upwind.phantom.shapes import ellipsoid

TABLE = dict.fromkeys(Tissue, 0.0) | {Tissue.AIR: -1000.0, Tissue.LIVER: 100.0}


def axes(step: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    axis = np.arange(-60, 60.1, step)
    return axis, axis, axis


def test_partial_volume_keeps_a_spheres_volume(monkeypatch):
    monkeypatch.setattr("upwind.phantom.scene.WARP_MM", 0.0)
    scene = Scene(axes(), TABLE, np.random.default_rng(0))
    scene.paint_shape(
        Tissue.LIVER, ellipsoid((1.3, -2.1, 0.4), (20, 20, 20)), (-20, -25, -20), (25, 20, 25)
    )
    truth = 4 / 3 * np.pi * 20**3
    share = (scene.hu + 1000) / 1100
    assert np.sum(share, dtype=float) * 8 == pytest.approx(truth, rel=0.01)
    assert np.sum(scene.tissue == Tissue.LIVER) * 8 == pytest.approx(truth, rel=0.02)
    # Mixed pixels exist, and nothing lies outside what it is mixed from.
    assert np.any((share > 0.2) & (share < 0.8))
    assert share.min() >= 0
    assert share.max() <= 1 + 1e-6


def test_boxes_hold_whatever_a_deformed_shape_reaches():
    shape = ellipsoid((10, 0, -5), (15, 10, 20))
    scene = Scene(axes(), TABLE, np.random.default_rng(3), roll=6.0)
    scene.paint_shape(Tissue.LIVER, shape, (-5, -10, -25), (25, 10, 15))
    whole = Scene(axes(), TABLE, np.random.default_rng(3), roll=6.0)
    box = whole.everywhere()
    whole.paint(Tissue.LIVER, shape(box.x, box.y, box.z), box)
    np.testing.assert_array_equal(scene.hu, whole.hu)
    np.testing.assert_array_equal(scene.tissue, whole.tissue)


def test_a_smooth_field_has_its_amplitude_and_its_smoothness():
    field = smooth_field(np.random.default_rng(1), axes(), 12.0, 5.0)
    assert np.std(field) == pytest.approx(5.0, rel=0.15)
    # Neighbours 2 mm apart, knots 12 mm: steps are a small part of the amplitude.
    assert np.max(np.abs(np.diff(field, axis=0))) < 6.0
    assert field.dtype == np.float32


def test_a_smooth_field_is_the_cubic_b_spline_of_its_coefficients():
    axis = np.linspace(0, 29, 13)
    field = smooth_field(np.random.default_rng(2), (axis, axis, axis), 10.0, 1.0)
    coefficients = np.random.default_rng(2).normal(size=(6, 6, 6)) / (151 / 315) ** 1.5
    # Nodes -1 ... 4 in units of the knots.
    basis = BSpline.design_matrix(axis / 10, np.arange(-3.0, 7.0), 3).toarray()
    expected = np.einsum("ia,jb,kc,abc->ijk", basis, basis, basis, coefficients)
    np.testing.assert_allclose(field, expected, atol=1e-4)
