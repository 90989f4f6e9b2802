"""Tests of paired differences: against SciPy's, and how often they reject what is true."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from upwind.common.holm import holm
from upwind.common.intervals import Resampling
from upwind.tables.paired_test import FEWEST_UNITS, MOST_COUNTED, paired_test, sign_flips

EFFORT = Resampling(20_000, 0.95, 0)
WITHIN = 0.63  # of the demo's LSN less UNet, within a fold


def differences(values, folds=None, cases=None):
    """Rows (fold, case) with one seed; without folds all are of one."""
    count = len(values)
    index = pd.MultiIndex.from_arrays(
        [[0] * count if folds is None else folds, range(count) if cases is None else cases],
        names=["fold", "case"],
    )
    return pd.DataFrame({0: values}, index=index)


def test_patients_without_folds_have_the_signed_rank_test():
    values = np.random.default_rng(0).normal(0.3, 1, 20)
    found = paired_test(differences(values), EFFORT)
    assert found == {"test": "signed rank", "p": pytest.approx(stats.wilcoxon(values).pvalue)}


def test_a_patient_of_several_seeds_counts_with_their_mean():
    seeds = np.random.default_rng(0).normal(size=(9, 3))
    wide = pd.DataFrame(seeds, index=differences(seeds[:, 0]).index)
    assert paired_test(wide, EFFORT)["p"] == stats.wilcoxon(seeds.mean(axis=1)).pvalue


def test_several_folds_have_their_signs_flipped():
    """Of seven folds, all on one side, two patterns of the 128 are as far from 0."""
    folds = np.repeat(range(7), 3)
    found = paired_test(differences(0.1 + 0.01 * folds, folds), EFFORT)
    assert found == {"test": "sign flips", "p": 2 / 128}


@pytest.mark.parametrize(("count", "least"), [(5, "0.0625"), (4, "0.125"), (2, "0.5")])
def test_too_few_folds_for_any_small_p_are_said_in_place_of_it(count, least):
    folds = np.repeat(range(count), 26)
    found = paired_test(differences(np.ones(len(folds)), folds), EFFORT)
    assert np.isnan(found["p"])
    assert found["note"] == f"{count} folds differ: least possible p {least}"
    assert 2 / 2**FEWEST_UNITS < 0.05 < 2 / 2 ** (FEWEST_UNITS - 1)


def test_too_few_patients_are_said_too():
    found = paired_test(differences([0.1, 0.2, 0.0, -0.1]), EFFORT)
    assert found["note"] == "3 patients differ: least possible p 0.25"


@pytest.mark.parametrize("folds", [None, [0, 0, 1, 1]])
def test_what_never_differs_has_p_one(folds):
    assert paired_test(differences([0.0] * 4, folds), EFFORT)["p"] == 1


@pytest.mark.parametrize("count", [6, 9, MOST_COUNTED])
def test_counted_patterns_are_scipys_permutation_test(count):
    sums = np.random.default_rng(count).normal(0.4, 1, count)
    theirs = stats.permutation_test(
        (sums,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert sign_flips(sums, EFFORT) == pytest.approx(theirs.pvalue)


def test_drawn_patterns_come_near_all_of_them():
    sums = np.random.default_rng(1).normal(0.3, 1, MOST_COUNTED + 1)
    counted = stats.permutation_test(
        (sums,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    ).pvalue
    deviation = np.sqrt(counted * (1 - counted) / EFFORT.resamples)
    assert sign_flips(sums, EFFORT) == pytest.approx(counted, abs=4 * deviation)
    assert sign_flips(np.ones(60), EFFORT) == 1 / (1 + EFFORT.resamples)


def test_units_that_do_not_differ_do_not_count():
    sums = np.array([1.0, 2, 3, 4, 5, 6])
    assert sign_flips(np.append(sums, [0.0] * 9), EFFORT) == sign_flips(sums, EFFORT) == 2 / 64


def test_sums_that_are_the_same_but_for_their_last_bits_tie():
    """0.1 + 0.2 is not 0.3: in whole numbers and in tenths p is the same."""
    whole = np.array([1, 2, -3, 4, 5, -6, 7])
    assert sign_flips(whole / 10, EFFORT) == sign_flips(whole, EFFORT)


# Size ---------------------------------------------------------------------------------------------

STUDIES = 1000


def rejected(sizes, p_value):
    """Share of studies without any difference in which p is at most 0.05; ``sizes`` of the folds'
    patients, whose differences have the correlation ``WITHIN``."""
    rng, folds = np.random.default_rng(0), np.repeat(range(len(sizes)), sizes)
    shared = rng.normal(scale=np.sqrt(WITHIN), size=(STUDIES, len(sizes)))[:, folds]
    values = shared + rng.normal(scale=np.sqrt(1 - WITHIN), size=(STUDIES, len(folds)))
    return np.mean([p_value(row, folds) <= 0.05 for row in values])


def of_folds(values, folds):
    return sign_flips(np.bincount(folds, values), EFFORT)


def of_patients(values, folds):
    return stats.wilcoxon(values).pvalue


@pytest.mark.parametrize("sizes", [[4] * 8, [13] * 10, [1, 2, 3, 4, 5, 6, 7, 40]])
def test_flipped_signs_reject_what_is_true_as_often_as_they_say(sizes):
    """Patterns are few: at most 0.05, and no more than one pattern of each sign below it."""
    most = np.floor(0.05 * 2 ** len(sizes) / 2) * 2 / 2 ** len(sizes)
    low, high = stats.binom.ppf([5e-4, 1 - 5e-4], STUDIES, most) / STUDIES
    assert low <= rejected(sizes, of_folds) <= high <= 0.08


def test_a_test_that_takes_patients_for_independent_rejects_it_far_more_often():
    """What the flipped signs replace, on the demo's folds and on LiTS'."""
    assert rejected([4] * 5, of_patients) > 0.2
    assert rejected([26] * 5, of_patients) > 0.55


# Holm's correction --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p_values", "corrected"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 3 x 0.01, 2 x 0.03, and 0.04 no less than it
        ([0.005, 0.011, 0.02, 0.04], [0.02, 0.033, 0.04, 0.04]),
        ([0.5, 0.4, 0.9], [1.0, 1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([np.nan, 0.02, 0.03], [np.nan, 0.04, 0.04]),  # what was not tested does not count
    ],
)
def test_holm_by_hand(p_values, corrected):
    assert holm(p_values) == pytest.approx(corrected, nan_ok=True)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
@settings(deadline=None)
def test_holm_lies_between_none_and_bonferroni_and_keeps_the_order(p_values):
    corrected = np.array(holm(p_values))
    p = np.array(p_values)
    assert (corrected >= p).all()
    assert (corrected <= np.minimum(1, len(p) * p) + 1e-12).all()
    for first, second in pairwise(np.argsort(p)):
        assert corrected[first] <= corrected[second]
    assert corrected[p.argmin()] == pytest.approx(min(1, len(p) * p.min()))
