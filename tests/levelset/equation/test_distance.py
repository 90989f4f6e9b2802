"""Distances in the band against exact ones."""

import numpy as np
import pytest

from upwind.levelset.equation.distance import Band


def sphere(n=40, radius=12.0):
    axes = np.ogrid[:n, :n, :n]
    return radius - np.sqrt(sum((a - (n - 1) / 2) ** 2 for a in axes)).astype(np.float32)


def rebuilt(u, width=5.0, times=1):
    padded, band = np.pad(u.astype(np.float32), 1, mode="edge"), Band(u.shape, width)
    for _ in range(times):
        assert band.rebuild(padded)
    return padded[1:-1, 1:-1, 1:-1], band


@pytest.mark.parametrize("stretched", [lambda u: u, lambda u: 7 * u, lambda u: u**3 / 50])
def test_a_sphere_gets_its_distance_whatever_it_was(stretched):
    exact = sphere()
    found, _ = rebuilt(stretched(exact))
    near = np.abs(exact) < 4.5
    assert np.abs(found - np.clip(exact, -5, 5))[near].mean() < 0.2
    assert ((found > 0) == (exact > 0)).mean() > 0.999
    far = np.abs(exact) > 6.5
    np.testing.assert_array_equal(found[far], np.sign(exact[far]) * 5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_plane_gets_its_exact_distance(axis):
    x = np.arange(16.0).reshape([-1 if a == axis else 1 for a in range(3)])
    exact = np.broadcast_to(x - 7.3, (16, 16, 16))
    found, _ = rebuilt(2.5 * exact)
    np.testing.assert_allclose(found, np.clip(exact, -5, 5), atol=1e-5)


def test_an_oblique_plane_keeps_its_place():
    x, y, z = np.ogrid[:16, :16, :16]
    exact = (x + 2 * y - 2 * z - 8.4) / 3
    found, _ = rebuilt(exact, times=30)
    inner = np.zeros(exact.shape, bool)
    inner[5:11, 5:11, 5:11] = True
    assert np.abs(found - exact)[inner & (np.abs(exact) < 1)].max() < 0.05


def test_the_band_is_where_the_distances_are():
    exact = sphere()
    found, band = rebuilt(exact, width=3.0)
    inside = np.zeros(exact.shape, bool)
    for i, j in np.ndindex(exact.shape[:2]):
        first, last = band.ranges[i, j]
        inside[i, j, first:last] = True
    assert inside[np.abs(found) < 3].all()
    assert inside.mean() < 0.6


def test_a_contour_between_voxels_at_zero_and_a_single_voxel():
    u = np.full((5, 5, 5), -1.0)
    u[2, 2, 2] = 1.0
    found, _ = rebuilt(u)
    assert found[2, 2, 2] == pytest.approx(0.5 / np.sqrt(3))
    assert found[2, 2, 1] == pytest.approx(-0.5)
    at_zero, _ = rebuilt(np.broadcast_to(np.arange(5.0) - 2, (5, 5, 5)))
    assert np.isfinite(at_zero).all()
    np.testing.assert_allclose(at_zero[2, 2], [-2, -1, 0, 1, 2], atol=1e-4)


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_no_contour(value):
    u = np.full((6, 6, 6), value, np.float32)
    assert not Band((4, 4, 4), 5.0).rebuild(u)
    assert (u == value).all()
