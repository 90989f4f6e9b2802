"""Pictures in a page, read back."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from upwind.atlas.pictures import diverging, grey, outline


def read(uri):
    start = "data:image/png;base64,"
    assert uri.startswith(start)
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix(start))))


def test_grey_runs_from_black_to_white_and_is_cut_beyond():
    picture = np.array([[-2.0, -1.0], [0.0, 3.0]])
    assert np.array(read(grey(picture, -1, 1, 8))).tolist() == [[0, 0], [128, 255]]


def test_diverging_is_blue_white_red():
    picture = np.array([[-3.0, 0.0, 3.0]])
    low, zero, high = np.array(read(diverging(picture, 3, 8)).convert("RGB")).astype(int)[0]
    assert low[2] > low[0] + 50
    assert high[0] > high[2] + 50
    assert zero.min() > 240


def test_large_pictures_are_made_smaller_by_means():
    picture = np.tile([[0.0, 1.0]], (64, 32))
    small = np.array(read(grey(picture, 0, 1, 32)))
    assert small.shape == (32, 32)
    assert np.unique(small).tolist() == [128]


def test_a_constant_picture_is_no_division_by_zero():
    assert np.array(read(diverging(np.zeros((2, 2)), 0.0, 8)).convert("RGB")).min() > 240
    assert np.array(read(grey(np.ones((2, 2)), 1, 1, 8))).max() == 0


def test_the_outline_follows_the_edges_of_the_pixels():
    region = np.zeros((4, 5), bool)
    region[1, 2] = True
    assert sorted(outline(region).split("M")[1:]) == ["2 1h1", "2 1v1", "2 2h1", "3 1v1"]
    region[1, 3] = True  # a common edge is no border
    assert "3 1v1" not in outline(region)
    assert outline(np.zeros((3, 3), bool)) == ""


@pytest.mark.parametrize("seed", range(3))
def test_an_outline_is_as_long_as_the_border(seed):
    region = np.random.default_rng(seed).random((7, 6)) > 0.5
    padded = np.pad(region, 1)
    edges = sum(np.count_nonzero(np.diff(padded, axis=axis)) for axis in (0, 1))
    assert len(re.findall(r"M\d+ \d+[hv]1", outline(region))) == edges
