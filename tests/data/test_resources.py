from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upwind.data.resources import (
    MOST_GROWTH,
    REQUIREMENTS,
    growth,
    memory_mb,
    minutes,
    training_memory_mb,
    training_minutes,
    trial_minutes,
)
from upwind.data.sizes import TYPICAL_CT, VolumeSize
from upwind.methods import catalogue, network_named

LARGEST = VolumeSize((512, 512, 1026), 2)  # of LiTS
SMALLEST = VolumeSize((512, 512, 42), 2)


def test_attempts_ask_for_half_as_much_again_up_to_three_times():
    assert [growth(attempt) for attempt in range(1, 8)] == [1, 1.5, 2, 2.5, 3, 3, 3]
    assert growth(20) == MOST_GROWTH
    assert memory_mb("volume", [LARGEST], 3) == pytest.approx(2 * memory_mb("volume", [LARGEST]), 1)
    assert minutes("check", [], 2) == 15


def test_three_copies_of_the_largest_volume_and_not_of_all():
    alone = memory_mb("volume", [LARGEST])
    assert memory_mb("volume", [LARGEST, SMALLEST, SMALLEST]) == alone
    assert alone - memory_mb("volume", []) == 3 * 513
    # 512 x 512 x 1026 of int16 is 513 MiB, 512 x 512 x 42 is 21.
    assert alone - memory_mb("volume", [SMALLEST]) == 3 * (513 - 21)


@pytest.mark.parametrize(
    ("kind", "copies"), [("volume", 3), ("level_set", 3), ("segmentation", 3), ("check", 0)]
)
def test_what_reads_whole_volumes_asks_for_three_copies(kind, copies):
    assert REQUIREMENTS[kind].copies == copies


def test_time_is_that_of_all_volumes():
    one, many = minutes("volume", [TYPICAL_CT]), minutes("volume", [TYPICAL_CT] * 131)
    assert one == 12
    assert 130 < many < 180


@given(
    kind=st.sampled_from(sorted(REQUIREMENTS)),
    slices=st.integers(1, 3000),
    more=st.integers(0, 3000),
    attempt=st.integers(1, 12),
)
def test_larger_volumes_never_ask_for_less(kind, slices, more, attempt):
    small, large = VolumeSize((512, 512, slices), 2), VolumeSize((512, 512, slices + more), 2)
    for ask in (memory_mb, minutes):
        assert 0 < ask(kind, [small], attempt) <= ask(kind, [large], attempt)
        assert ask(kind, [large], attempt) <= ask(kind, [large], attempt + 1)


def test_a_finer_grid_takes_the_fourth_power_and_a_coarser_one_no_less_than_the_measured_time():
    assert trial_minutes(20, 2.0) == pytest.approx(16 * trial_minutes(20, 4.0))
    assert trial_minutes(20, 8.0) == trial_minutes(20, 4.0)
    assert trial_minutes(20, 3.0) == pytest.approx(21, abs=1)  # of LiTS, per case


def test_training_memory_grows_with_slices_pixels_and_batch():
    demo = training_memory_mb(500, 64, 20)
    # A fold of LiTS: 105 cases, a third of whose 447 slices show liver.
    lits = training_memory_mb(15_500, 256, 20)
    assert 4000 < demo < 5000
    assert 14_000 < lits < 18_000
    assert training_memory_mb(15_500, 256, 40) - lits == pytest.approx(2621, abs=2)
    stored = 15_500 * 256 * 256 * 3 / 2**20
    assert training_memory_mb(31_000, 256, 20) - lits == pytest.approx(3 * stored, abs=2)


def test_training_time_of_the_demo_and_of_a_fold_of_lits():
    def minutes(network, options, slices, pixels, cores):
        cost = network_named(catalogue(), network).cost(options) * options["epochs"]
        return training_minutes(slices, pixels, cost, cores)

    assert minutes("unet", {"epochs": 20}, 500, 64, None) == 31
    assert minutes("lsn", {"epochs": 12, "steps": 56}, 500, 64, 1) < 40
    lsn = {"epochs": 20, "steps": 224}
    on_gpu = minutes("lsn", lsn, 15_500, 256, None)
    assert 12 * 60 < on_gpu < 20 * 60
    on_cores = [minutes("lsn", lsn, 15_500, 256, cores) for cores in (1, 2, 4)]
    assert all(more > 1.9 * fewer for more, fewer in pairwise(on_cores))
    assert on_cores[0] > 200 * 60
    # A part of a network is taken to cost what the whole does.
    assert minutes("speed", lsn, 15_500, 256, 1) == on_cores[0]
