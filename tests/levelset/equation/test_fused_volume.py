"""The compiled steps in 3-D against the plain definition."""

import numpy as np
import pytest
import torch

from upwind.levelset.equation import fused_volume, scheme

SHAPE = (6, 7, 9)


def example(dtype, moved, curvature_speed=False):
    generator = np.random.default_rng(0)
    u, speed, *velocity = generator.normal(size=(5, *SHAPE)).astype(dtype)
    g = generator.uniform(0, 1, SHAPE).astype(dtype) if curvature_speed else None
    return u, fused_volume.Motion(speed, tuple(velocity) if moved else None, 0.3, g)


def plain(u, motion, spacing, dt):
    def tensor(array):
        return torch.from_numpy(np.asarray(array, dtype=np.float64))[None]

    zero = np.zeros(SHAPE)
    velocity = motion.velocity or (zero, zero, zero)
    weight = np.full(SHAPE, motion.curvature)
    if motion.curvature_speed is not None:
        weight = weight * motion.curvature_speed
    fields = scheme.Fields3D(*map(tensor, (motion.speed, *velocity, weight)))
    stencils = scheme.finite_differences(torch.float64, spacing)
    return scheme.step(tensor(u), fields, stencils, dt)[0].numpy()


@pytest.mark.parametrize(
    ("moved", "curvature_speed"), [(False, False), (True, False), (True, True)]
)
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 1.3, 2.5)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_a_step_is_the_plain_schemes(dtype, tolerance, spacing, moved, curvature_speed):
    u, motion = example(dtype, moved, curvature_speed)
    padded, rate, bending = np.pad(u, 1), np.empty_like(u), np.empty_like(u)
    ranges = fused_volume.whole(SHAPE)
    fused_volume.rates(padded, motion, spacing, ranges, rate, bending)
    fused_volume.add_step(padded, rate, dtype(0.1), ranges)
    expected = plain(u, motion, spacing, 0.1)
    np.testing.assert_allclose(padded[1:-1, 1:-1, 1:-1], expected, rtol=0, atol=tolerance * 10)


def test_only_the_ranges_are_computed():
    u, motion = example(np.float64, moved=True)
    padded, rate, bending = np.pad(u, 1), np.full(SHAPE, 9.0), np.full(SHAPE, 9.0)
    ranges = np.zeros((*SHAPE[:2], 2), np.int64)
    ranges[2, 3] = 4, 8
    fused_volume.rates(padded, motion, (1, 1, 1), ranges, rate, bending)
    everywhere, anyhow = np.empty(SHAPE), np.empty(SHAPE)
    whole = fused_volume.whole(SHAPE)
    fused_volume.rates(padded, motion, (1, 1, 1), whole, everywhere, anyhow)
    np.testing.assert_allclose(rate[2, 3, 4:8], everywhere[2, 3, 4:8], rtol=1e-12)
    rate[2, 3, 4:8] = 9.0
    assert (rate == 9.0).all()
    before = padded.copy()
    fused_volume.add_step(padded, everywhere, 0.1, ranges)
    assert np.argwhere(padded != before).tolist() == [[3, 4, k] for k in (5, 6, 7, 8)]


def test_the_fastest_point_of_a_contour_by_hand():
    # u = 0 halfway between the voxels 2 and 3 along x, so speeds there are means of two.
    x = np.arange(7.0)
    u = np.pad(np.broadcast_to(2.5 - x, (4, 5, 7)).copy(), 1, mode="edge")
    speed = np.broadcast_to(-(x**2), (4, 5, 7)).copy()
    v_x = np.broadcast_to(x, (4, 5, 7)).copy()
    motion = fused_volume.Motion(speed, (v_x, 0 * v_x, -2 * v_x), 0.5)
    bending = np.broadcast_to(10 * x, (4, 5, 7)).copy()
    ranges = fused_volume.whole((4, 5, 7))
    found = fused_volume.fastest_on_contour(u, motion, ranges, bending)
    assert found == pytest.approx(((4 + 9) / 2, 2 * 2.5, 25.0))
    still = fused_volume.fastest_on_contour(np.abs(u) + 1, motion, ranges, bending)
    assert still == (0, 0, 0)
