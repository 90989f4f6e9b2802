"""Which slices count as not trained on, and which one is shown."""

import numpy as np
import pandas as pd
import pytest

from upwind.atlas.choice import Choice, choose_slice, spread, untrained_slices
from upwind.common.errors import UpwindError

LIVER = {1: [4, 5, 6, 7, 8], 2: [0, 1, 2], 3: [9, 10]}
SPLIT = pd.DataFrame(
    {
        "case": [1, 1, 1, 1, 1, 3, 3],
        "slice": [4, 5, 6, 7, 8, 9, 10],
        "part": ["train", "heldout", "train", "heldout", "train", "train", "train"],
    }
)


def scores(**dsc):
    rows = [("unet", 0, int(case[1:]), "unseen", value) for case, value in dsc.items()]
    return pd.DataFrame(rows, columns=["method", "fold", "case", "subset", "dsc"])


def test_unseen_patients_and_held_out_slices_are_not_trained_on():
    assert untrained_slices(SPLIT, LIVER) == {1: [5, 7], 2: [0, 1, 2]}


def test_the_median_case_among_those_with_untrained_slices():
    untrained = untrained_slices(SPLIT, LIVER)
    table = scores(c1=0.9, c2=0.7, c3=0.8)  # the median of all three has no untrained slice
    assert choose_slice("median", "middle", LIVER, untrained, table) == Choice(2, 1, False)
    assert choose_slice("median", 2, LIVER, untrained, table) == Choice(2, 2, False)


def test_the_untrained_slice_nearest_to_the_middle_the_lower_of_two():
    untrained = untrained_slices(SPLIT, LIVER)
    assert choose_slice(1, "middle", LIVER, untrained) == Choice(1, 5, False)


def test_a_slice_that_was_trained_on_is_said_to_be():
    untrained = untrained_slices(SPLIT, LIVER)
    assert choose_slice(3, "middle", LIVER, untrained) == Choice(3, 9, True)
    assert choose_slice(1, 6, LIVER, untrained) == Choice(1, 6, True)


@pytest.mark.parametrize(
    ("case", "z", "said"),
    [(7, "middle", "no case 7"), (2, 5, "slice 5 of case 2 shows no liver"), ("median", 0, "name")],
)
def test_what_is_not_there_is_named(case, z, said):
    with pytest.raises(UpwindError, match=said):
        choose_slice(case, z, LIVER, {}, None)


def test_measured_slices_are_spread_evenly():
    untrained = {3: list(range(100, 130)), 1: list(range(10))}
    assert {case: len(found) for case, found in spread(untrained, 8).items()} == {1: 2, 3: 6}
    found = spread(untrained, 500)
    assert [found[case].tolist() for case in (1, 3)] == [untrained[1], untrained[3]]
    assert spread(untrained, 1)[1].tolist() == [0]
    assert not spread({}, 5)
    assert isinstance(found[1], np.ndarray)
