import numpy as np
import pytest

from upwind.networks.prior import disc_of


def test_disc_stands_at_the_centre_of_mass_of_the_mean_mask():
    masks = np.zeros((2, 8, 8), np.uint8)
    masks[0, 2, 4] = 1  # centre of the pixel: row 2.5, column 4.5 of 8
    masks[1, 4:6, 4:6] = 1  # row 5, column 5
    row, column, radius = disc_of(masks, 20 / 256)
    assert row == pytest.approx((2.5 + 4 * 5) / 5 / 8)
    assert column == pytest.approx((4.5 + 4 * 5) / 5 / 8)
    assert radius == 20 / 256


def test_disc_is_the_same_share_at_any_size():
    masks = np.zeros((1, 16, 16), np.uint8)
    masks[0, 3:9, 2:13] = 1
    larger = masks.repeat(4, axis=1).repeat(4, axis=2)
    assert disc_of(larger, 0.1) == pytest.approx(disc_of(masks, 0.1))


def test_many_masks_do_not_overflow_their_small_type():
    masks = np.ones((1000, 4, 4), np.uint8)
    assert disc_of(masks, 0.1)[:2] == pytest.approx((0.5, 0.5))
