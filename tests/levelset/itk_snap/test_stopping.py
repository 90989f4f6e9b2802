"""Stopping without a label: by iterations or by growth, tuned on curves."""

import numpy as np
import pytest

from upwind.levelset.engines.engine import Weights
from upwind.levelset.itk_snap.stopping import (
    Curve,
    Stopping,
    best_stopping,
    evolve_curve,
    evolve_to_stop,
)
from upwind.settings.levelset import BlindSettings

SETTINGS = BlindSettings(chunk=10, max_iterations=100)


def sphere(radius, n=41):
    axes = np.ogrid[:n, :n, :n]
    return radius - np.sqrt(sum((axis - n // 2) ** 2 for axis in axes))


def growing(radii):
    """An engine that returns spheres of the given radii, one per call, and then the last."""
    left = list(radii)

    def evolve(speed, level_set, weights, iterations):
        asked.append(iterations)
        return sphere(left.pop(0) if len(left) > 1 else left[0])

    asked = evolve.asked = []
    return evolve


def curve(target, radii, outside=0.0):
    start = sphere(4)
    return evolve_curve(start, start, Weights(), target, outside, SETTINGS, growing(radii))


def test_a_curve_ends_where_nothing_grows():
    found = curve(sphere(8) > 0, [6, 8, 10, 10, 12])
    volumes = [np.count_nonzero(sphere(r) > 0) for r in (4, 6, 8, 10, 10)]
    assert found.volume.tolist() == volumes
    assert found.dsc[2] == 1.0
    assert found.dsc.argmax() == 2


def test_a_curve_ends_at_the_most_iterations():
    found = curve(sphere(8) > 0, np.linspace(4.5, 18, 40))
    assert len(found.dsc) == 11


def test_liver_beyond_the_region_counts_against_it():
    target = sphere(8) > 0
    whole = np.count_nonzero(target)
    found = curve(target, [8, 8], outside=whole / 2)
    assert found.dsc[1] == pytest.approx(2 * whole / (2.5 * whole))


def test_the_best_rule_by_hand():
    # The best common number of looks is 2 (mean 0.85), but stopping each where it stands is better.
    early = Curve(np.array([0.1, 0.9, 0.8, 0.5, 0.2]), np.array([100.0, 300, 303, 390, 500]))
    late = Curve(np.array([0.1, 0.3, 0.9, 0.94, 0.95]), np.array([100.0, 150, 200, 260, 261]))
    stopping, dsc = best_stopping([early, late], SETTINGS)
    assert stopping.growth == 0.01
    assert stopping.iterations == 40
    assert dsc == pytest.approx((0.8 + 0.95) / 2)
    # Where all grow alike only their number of looks tells them apart.
    both = [Curve(np.array([0.1, 0.5, 0.9, 0.7]), np.array([100.0, 200, 400, 800]))] * 2
    assert best_stopping(both, SETTINGS) == (Stopping(20, 0.0), 0.9)


def test_evolutions_without_a_look_have_no_best_rule():
    with pytest.raises(ValueError, match="no evolution was looked at"):
        best_stopping([Curve(np.array([0.1]), np.array([100.0]))], SETTINGS)


@pytest.mark.parametrize("growth", [0.0, 0.005, 0.02, 0.3])
@pytest.mark.parametrize("iterations", [20, 50, 100])
def test_an_unseen_patient_is_stopped_as_the_curves_were(growth, iterations):
    radii = [6, 9, 12, 12.5, 12.6, 12.6, 14, 15, 16, 17]
    start, target = sphere(4), sphere(12) > 0
    looks = curve(target, radii)
    engine = growing(radii)
    found = evolve_to_stop(
        start, start, Weights(), Stopping(iterations, growth), SETTINGS.chunk, engine
    )
    grown = np.diff(looks.volume) <= growth * looks.volume[:-1]
    stop = min(iterations // 10, int(np.argmax(grown)) + 1 if grown.any() else len(grown))
    assert np.count_nonzero(found > 0) == looks.volume[stop]
    assert engine.asked == [10] * stop


def test_the_last_look_is_as_short_as_it_must_be():
    engine = growing(np.linspace(5, 15, 20))
    evolve_to_stop(sphere(4), sphere(4), Weights(), Stopping(25, 0.0), 10, engine)
    assert engine.asked == [10, 10, 5]
