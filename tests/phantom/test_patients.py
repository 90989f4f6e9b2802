"""Patients depend on seed and number alone, and differ."""

from collections import Counter

import pytest

from upwind.phantom.hounsfield import Phase
from upwind.phantom.patients import draw_patient


def test_a_patient_depends_on_seed_and_number_alone():
    assert draw_patient(7, 1) == draw_patient(7, 1)
    assert draw_patient(7, 1).habitus != draw_patient(7, 2).habitus
    assert draw_patient(7, 1).habitus != draw_patient(8, 1).habitus
    one, two = (draw_patient(7, 1).generator(part).random() for part in ("liver", "noise"))
    assert one != two


def test_exactly_half_of_the_patients_have_tumours():
    assert sum(draw_patient(number, 5).has_tumours for number in range(20)) == 10


def test_phases_orientations_and_geometries_vary():
    patients = [draw_patient(number, 1) for number in range(40)]
    phases = Counter(patient.phase for patient in patients)
    assert set(phases) == set(Phase)
    assert phases.most_common(1)[0][0] == Phase.PORTAL
    assert len({p.scan.orientation for p in patients}) >= 4
    assert len({p.scan.thickness for p in patients}) >= 4
    assert len({p.scan.pixels for p in patients}) == 3
    assert min(p.scan.pixels for p in patients) >= 128
    assert len({p.liver for p in patients}) == 40


@pytest.mark.parametrize(("number", "seed"), [(-1, 0), (0, -1)])
def test_numbers_count_from_zero(number, seed):
    with pytest.raises(ValueError, match="count from 0"):
        draw_patient(number, seed)
