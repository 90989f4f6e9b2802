import numpy as np
import pytest

from upwind.data.placing import grid_difference
from upwind.data.volumes import Grid


def test_distance_of_grids_is_that_of_the_farthest_corners():
    wider = np.diag([1.0, 1.0, 1.5, 1.0])
    distance, words = grid_difference(Grid((3, 3, 11), np.eye(4)), Grid((3, 3, 11), wider))
    assert distance == pytest.approx(5.0)
    assert words == "spacing 1 x 1 x 1 against 1 x 1 x 1.5 mm; corners up to 5 mm apart"


def test_turned_grids_differ_by_orientation():
    turned = np.diag([-1.0, 1.0, 1.0, 1.0])
    turned[0, 3] = 4.0
    distance, words = grid_difference(Grid((5, 3, 3), np.eye(4)), Grid((5, 3, 3), turned))
    # The same box, mirrored: every corner lands on the opposite one, 4 mm away.
    assert distance == pytest.approx(4.0)
    assert "orientation RAS against LAS" in words
    assert "origin (0, 0, 0) against (4, 0, 0) mm" in words
