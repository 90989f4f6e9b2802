"""Where livers are: learned from training patients, expected in others."""

import numpy as np
import pytest

from upwind.common.errors import UpwindError
from upwind.data.volumes import Grid, Volume
from upwind.levelset.itk_snap.placement import (
    Anatomy,
    anatomy_of,
    body_ends,
    expected_point,
    learn_place,
    region_at,
)

AIR, FAT = -1000, -80


def as_volume(array, spacing):
    return Volume(array, Grid(array.shape, np.diag([*spacing, 1.0])), 1.0, 0.0)


def trunk(shape=(60, 50, 20), spacing=(4.0, 4.0, 8.0), x=(6, 54), y=(5, 40)):
    """A box of fat in air, all slices long."""
    array = np.full(shape, AIR, np.int16)
    array[slice(*x), slice(*y)] = FAT
    return as_volume(array, spacing)


def patient(low, high, point, depth=40.0):
    return Anatomy(
        tuple(low),
        tuple(high),
        tuple(p - 50 for p in point),
        tuple(p + 60 for p in point),
        tuple(point),
        depth,
    )


def test_the_body_ends_where_its_fat_does():
    low, high = body_ends(trunk(), -150.0, 4.0)
    assert low.tolist() == [24, 20, 0]
    assert high.tolist() == [216, 160, 160]


def test_a_table_and_noise_are_no_body():
    volume = trunk()
    volume.array[:, 2] = 100  # a thin table behind, apart from the back
    noise = np.random.default_rng(0).random(volume.array.shape) < 0.02
    volume.array[noise] = 300
    low, high = body_ends(volume, -150.0, 4.0)
    assert low.tolist() == [24, 20, 0]
    assert high.tolist() == [216, 160, 160]


@pytest.mark.parametrize("value", [AIR, 50])
def test_without_air_or_body_the_volume_is_the_body(value):
    volume = as_volume(np.full((20, 20, 10), value, np.int16), (4.0, 4.0, 8.0))
    low, high = body_ends(volume, -150.0, 4.0)
    assert low.tolist() == [0, 0, 0]
    assert high.tolist() == [80, 80, 80]


def test_fine_voxels_are_skipped_and_ends_stay():
    volume = trunk((240, 200, 20), (1.0, 1.0, 8.0), x=(24, 216), y=(20, 160))
    low, high = body_ends(volume, -150.0, 4.0)
    assert np.abs(low - [24, 20, 0]).max() <= 4
    assert np.abs(high - [216, 160, 160]).max() <= 4


def test_a_patients_anatomy_in_mm():
    volume = trunk()
    label = np.zeros(volume.array.shape, bool)
    label[20:41, 10:31, 3:14] = True  # 84 x 84 x 88 mm
    found = anatomy_of(volume, label, -150.0, 4.0)
    assert found.liver_low == (80, 40, 24)
    assert found.liver_high == (164, 124, 112)
    np.testing.assert_allclose(found.deepest, (122, 82, 68), atol=4)
    assert found.depth == pytest.approx(44, abs=4)


def test_each_axis_is_stated_as_patients_agree_on_it():
    # Along x livers lie at 60 % of the body, along y 50 mm from its front, along z 80 mm below
    # its upper end.
    patients = []
    for width, deep, long in ((300, 200, 300), (350, 260, 200), (420, 220, 500)):
        low, high = np.array([10.0, 20, 0]), np.array([10.0 + width, 20 + deep, long])
        patients.append(patient(low, high, (10 + 0.6 * width, 70.0, long - 80.0)))
    place = learn_place(patients)
    assert place.references == ("share", "low", "high")
    assert place.values == pytest.approx((0.6, 50, 80))
    assert place.spread_mm == pytest.approx((0, 0, 0), abs=1e-9)
    point = expected_point(place, np.array([0.0, 0, 0]), np.array([400.0, 200, 600]))
    assert point == pytest.approx([240, 50, 520])


def test_the_spread_is_that_of_the_patients_about_their_mean():
    body = np.zeros(3), np.full(3, 300.0)
    place = learn_place([patient(*body, (x, 100.0, 100.0)) for x in (90.0, 110.0)])
    assert place.values[0] * 300 == pytest.approx(100)
    assert place.spread_mm == pytest.approx((10, 0, 0))


def test_reach_is_the_farthest_and_depth_the_least():
    body = np.zeros(3), np.full(3, 300.0)
    one = Anatomy(*body, (50.0, 50, 50), (150.0, 150, 150), (100.0, 100, 100), 40.0)
    other = Anatomy(*body, (70.0, 70, 70), (190.0, 150, 150), (100.0, 100, 100), 30.0)
    place = learn_place([one, other])
    assert place.reach_mm == ((50, 90), (50, 50), (50, 50))
    assert place.depth_mm == 30
    assert learn_place([other]).reach_mm == ((30, 90), (30, 50), (30, 50))


def test_nobody_teaches_nothing():
    with pytest.raises(UpwindError, match="needs a training patient"):
        learn_place([])


@pytest.mark.parametrize("point", [(120.0, 80.0, 80.0), (0.0, 0.0, 0.0), (500.0, -30.0, 160.0)])
def test_the_region_covers_the_reach_and_stays_in_the_volume(point):
    volume = trunk()
    place = learn_place([patient(np.zeros(3), np.full(3, 300.0), (100.0, 100, 100))])
    region = region_at(place, np.array(point), volume, 15.0, 4.0)
    for part, length, size, p in zip(
        region.box, volume.array.shape, region.spacing, point, strict=True
    ):
        assert 0 <= part.start < part.stop <= length
        assert part.start * size <= max(p - 65, 0) or part.start == length - 1
        assert part.stop * size >= min(p + 75, length * size) or part.stop == 1
