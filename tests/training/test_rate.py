"""The learning rate over a training."""

import itertools

import pytest

from upwind.training.rate import LEAST, share_of_rate


def test_a_constant_rate_is_the_rate_itself():
    assert {share_of_rate("constant", done, 10) for done in range(10)} == {1.0}


def test_a_falling_one_stays_over_the_first_half_and_ends_near_nothing():
    shares = [share_of_rate("falls", done, 100) for done in range(101)]
    assert set(shares[:51]) == {1.0}
    assert shares[75] == pytest.approx((1 + LEAST) / 2)
    assert shares[100] == pytest.approx(LEAST)
    assert all(a > b for a, b in itertools.pairwise(shares[50:]))


def test_an_odd_number_of_updates_is_halved_too():
    shares = [share_of_rate("falls", done, 5) for done in range(5)]
    assert shares[:3] == [1.0, 1.0, 1.0]
    assert shares[3] == pytest.approx(LEAST + (1 - LEAST) * 0.9045085)
