"""SimpleITK as an engine, against exact solutions of the level set equation."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from upwind.levelset.engines.engine import Weights
from upwind.levelset.engines.simpleitk import evolve
from upwind.levelset.itk_snap.trials import EDGE_EQUATIONS

# ITK's time step: the fastest point of the contour moves 1/6 voxel (1 / (2 x 3 dimensions)).
STEP = 1 / 6
UNIT = Weights(propagation=1.0, advection=0.0, curvature=0.0)
GEODESIC = Weights(advection=2.0, **EDGE_EQUATIONS["geodesic"])


def distances(n=48, centre=(23.5, 23.5, 23.5)):
    axes = np.ogrid[:n, :n, :n]
    return np.sqrt(sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)))


def radius(level_set):
    # Of the sphere with the same volume; the clipped sum measures fractions of border voxels.
    volume = np.clip(level_set + 0.5, 0, 1).sum()
    return (3 * volume / (4 * np.pi)) ** (1 / 3)


@pytest.mark.parametrize("speed", [1.0, 0.25, -1.0])
def test_sphere_with_constant_speed_moves_as_r0_plus_ft(speed):
    r = distances()
    level_set = evolve(np.full_like(r, speed), 12 - r, UNIT, 36)
    # 36 steps = 6 voxels. The first-order scheme rounds corners: under 5 % of the way.
    assert radius(level_set) == pytest.approx(12 + np.sign(speed) * 6, abs=0.3)


@pytest.mark.parametrize("speed", [1.0, -1.0])
def test_error_of_a_moving_sphere_falls_with_the_spacing(speed):
    # The same motion, from 0.4 to 0.6 (or back) of the half-width, on grids twice as fine:
    # first order, so the error relative to the width halves.
    errors = []
    for n in (20, 40, 80):
        r = distances(n, centre=((n - 1) / 2,) * 3)
        start, way = (0.5 - speed * 0.1) * n / 2, 0.2 * n / 2
        level_set = evolve(np.full_like(r, speed), start - r, UNIT, round(way / STEP))
        errors.append(abs(radius(level_set) - (start + speed * round(way / STEP) * STEP)) / n)
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 0.7).all()


def test_curvature_flow_of_a_sphere_is_sqrt_of_r0_squared_minus_4ct():
    # A second sphere with speed 1 far away is the clock: it makes every step last 1/6, because
    # curvature alone (here C = 0.5, radius 10) is slower.
    shape = (64, 32, 32)
    x, y, z = np.ogrid[:64, :32, :32]
    centre = y - 15.5, z - 15.5
    left = np.sqrt((x - 15.5) ** 2 + centre[0] ** 2 + centre[1] ** 2)
    right = np.sqrt((x - 47.5) ** 2 + centre[0] ** 2 + centre[1] ** 2)
    speed = np.zeros(shape)
    speed[32:] = 1.0
    start = np.maximum(10 - left, 4 - right)
    weights = Weights(propagation=1.0, advection=0.0, curvature=0.5)
    level_set = evolve(speed, start, weights, 42)
    expected = np.sqrt(10**2 - 4 * 0.5 * 42 * STEP)
    assert radius(level_set[:32]) == pytest.approx(expected, abs=0.1)


def test_region_mode_has_curvature_of_weight_one_whatever_the_speed():
    # Speed (16 - r) / 10, curvature weight 1: at rest where (16 - r) / 10 = 2 / r, that is
    # r^2 - 16 r + 20 = 0, r = 8 + sqrt(44) = 14.63. Curvature multiplied by the speed would rest
    # at 16, half the curvature at 15.37. Differences on a grid make 14.57 of it.
    r = distances()
    rest = 8 + np.sqrt(44)
    weights = Weights(propagation=1.0, advection=0.0, curvature=1.0)
    for start in (rest - 1.5, rest + 1.5):
        level_set = evolve((16 - r) / 10, start - r, weights, 200)
        assert radius(level_set) == pytest.approx(rest, abs=0.15)


def test_speed_of_both_signs_brings_the_contour_to_its_zero_from_either_side():
    r = distances()
    speed = np.where(r < 14, 1.0, -1.0)
    for start in (8, 18):
        level_set = evolve(speed, start - r, UNIT, 60)
        assert radius(level_set) == pytest.approx(14, abs=0.3)


def test_advection_draws_the_contour_to_a_valley_of_the_speed():
    # No propagation, no curvature: only grad g . grad u moves, to the least g at r = 10.
    r = distances(36, (17.5,) * 3)
    g = 1 - 0.9 * np.exp(-((r - 10) ** 2) / 18)
    weights = Weights(0.0, 2.0, 0.0, **EDGE_EQUATIONS["geodesic"])
    for start in (7, 13):
        level_set = evolve(g, start - r, weights, 60)
        assert radius(level_set) == pytest.approx(10, abs=0.4)


def test_advection_refuses_a_negative_speed():
    r = distances(16, (7.5,) * 3)
    with pytest.raises(ValueError, match="at least 0"):
        evolve(np.full_like(r, -0.1), 4 - r, GEODESIC, 1)


@pytest.mark.parametrize(
    "weights",
    [
        Weights(advection=2.0),
        Weights(curvature_exponent=1),
        Weights(advection_sigma=1.0),
        replace(GEODESIC, advection_sigma=2.0),
    ],
)
def test_refuses_an_equation_that_its_filters_do_not_solve(weights):
    r = distances(16, (7.5,) * 3)
    with pytest.raises(ValueError, match="multiplies curvature by the speed"):
        evolve(np.ones_like(r), 4 - r, weights, 1)


def test_refuses_different_shapes():
    with pytest.raises(ValueError, match="differ in shape"):
        evolve(np.zeros((4, 4, 4)), np.zeros((4, 4, 5)), UNIT, 1)


def test_chunks_of_ten_lose_no_motion():
    r = distances()
    speed = np.ones_like(r)
    whole = evolve(speed, 10 - r, UNIT, 60)
    parts = (10 - r).astype(np.float32)
    for _ in range(6):
        parts = evolve(speed, parts, UNIT, 10)
    assert radius(parts) == pytest.approx(radius(whole), abs=0.05)


def test_axes_are_kept():
    # An ellipsoid off the centre of a box of three different lengths stays where it is.
    x, y, z = np.ogrid[:40, :30, :20]
    level_set = 5 - np.sqrt((x - 28) ** 2 + (y - 10) ** 2 + (z - 9) ** 2)
    result = evolve(np.ones(level_set.shape), level_set, UNIT, 1)
    assert result.shape == level_set.shape
    np.testing.assert_allclose(np.argwhere(result > 0).mean(axis=0), (28, 10, 9), atol=1e-6)


@pytest.mark.parametrize("value", [-3.0, 3.0])
def test_level_set_without_a_contour_is_returned_as_it_is(value):
    level_set = np.full((8, 8, 8), value)
    result = evolve(np.ones((8, 8, 8)), level_set, UNIT, 5)
    np.testing.assert_array_equal(result, level_set)


def test_a_contour_that_vanishes_leaves_nothing_inside():
    r = distances(24, (11.5,) * 3)
    assert not (evolve(np.full_like(r, -1.0), 3 - r, UNIT, 60) > 0).any()


@pytest.mark.parametrize("weights", [Weights(), GEODESIC])
def test_bit_identical_whatever_the_number_of_threads(weights):
    r = distances()
    speed = np.random.default_rng(3).uniform(0.1, 1, r.shape)
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        results = []
        for threads in (1, 1, 2, 4):
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
            results.append(evolve(speed, 8 - r, weights, 20))
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
