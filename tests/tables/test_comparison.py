from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from upwind.tables import comparison
from upwind.tables.comparison import COLUMNS, MEASURES, holm

CASES = 25


def compare(scores, resamples=10_000, confidence=0.95, seed=0):
    return comparison.compare(scores, resamples, confidence, seed)


def scores_of(values, subset="unseen", measure="dsc"):
    """scores.csv from {method: one value per case}; the other measures undefined."""
    rows = [
        {"method": method, "fold": case % 5, "case": case, "subset": subset}
        | dict.fromkeys(MEASURES, np.nan)
        | {measure: value}
        for method, series in values.items()
        for case, value in enumerate(series)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def values():
    """Three methods whose scores go together, as one patient is harder than another."""
    rng = np.random.default_rng(7)
    difficulty = rng.beta(8, 2, CASES)
    return {
        "unet": difficulty,
        "lsn": difficulty - rng.normal(0.05, 0.06, CASES),
        "itk_snap": difficulty - rng.normal(0.01, 0.06, CASES),
    }


@pytest.fixture(scope="module")
def table(values):
    return compare(scores_of(values))


def row_of(table, method, other=""):
    found = table[(table["method"] == method) & (table["other"] == other)]
    assert len(found) == 1
    return found.iloc[0]


def test_rows_are_each_method_and_each_pair_once(table):
    assert list(zip(table["method"], table["other"], strict=True)) == [
        ("itk_snap", ""), ("lsn", ""), ("unet", ""),
        ("itk_snap", "lsn"), ("itk_snap", "unet"), ("lsn", "unet"),
    ]  # fmt: skip
    assert tuple(table.columns) == COLUMNS
    assert (table["patients"] == CASES).all()
    single = table["other"] == ""
    assert table.loc[single, ["wilcoxon_p", "holm_p"]].isna().all(axis=None)
    assert table.loc[~single, ["wilcoxon_p", "holm_p"]].notna().all(axis=None)


@pytest.mark.parametrize("pair", [("unet", ""), ("lsn", ""), ("lsn", "unet"), ("itk_snap", "lsn")])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_intervals_are_scipys_percentile_bootstrap_within_monte_carlo_error(
    values, pair, confidence
):
    method, other = pair
    data = values[method] - (values[other] if other else 0)
    ours = row_of(compare(scores_of(values), 10_000, confidence, seed=1), method, other)
    theirs = stats.bootstrap(
        (data,), np.mean, n_resamples=10_000, confidence_level=confidence, method="percentile",
        rng=np.random.default_rng(2),
    )  # fmt: skip
    assert ours["mean"] == pytest.approx(data.mean())
    # Standard error of a quantile q of a normal distribution from B draws, times 5, for two draws.
    tail = (1 - confidence) / 2
    density = stats.norm.pdf(stats.norm.ppf(tail))
    spread = theirs.standard_error / density * np.sqrt(tail * (1 - tail) / 10_000)
    tolerance = 5 * np.sqrt(2) * spread
    assert tolerance < 0.15 * (ours["high"] - ours["low"])
    assert ours["low"] == pytest.approx(theirs.confidence_interval.low, abs=tolerance)
    assert ours["high"] == pytest.approx(theirs.confidence_interval.high, abs=tolerance)


def test_intervals_depend_on_the_seed_alone(values, table):
    pd.testing.assert_frame_equal(compare(scores_of(values)), table)
    shuffled = scores_of(values).sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(compare(shuffled), table)
    other = compare(scores_of(values), seed=1)
    assert row_of(other, "unet")["low"] != row_of(table, "unet")["low"]


@pytest.mark.parametrize(
    ("method", "other"), [("itk_snap", "lsn"), ("itk_snap", "unet"), ("lsn", "unet")]
)
def test_paired_tests_are_scipys_signed_rank_test(values, table, method, other):
    row = row_of(table, method, other)
    expected = stats.wilcoxon(values[method], values[other]).pvalue
    assert row["wilcoxon_p"] == pytest.approx(expected)
    assert row["mean"] == pytest.approx((values[method] - values[other]).mean())


def test_p_values_are_corrected_over_the_pairs(table):
    pairs = table[table["other"] != ""]
    assert pairs["holm_p"].tolist() == holm(pairs["wilcoxon_p"].tolist())


def test_a_signed_rank_test_by_hand():
    """Five differences, all positive: of the 32 signs two are as extreme, p = 2 / 32."""
    table = compare(scores_of({"a": [0.2, 0.4, 0.6, 0.8, 1.0], "b": [0.1, 0.2, 0.3, 0.4, 0.5]}))
    assert row_of(table, "a", "b")["wilcoxon_p"] == pytest.approx(2 / 32)


def test_methods_that_never_differ_have_p_one():
    row = row_of(compare(scores_of({"a": [0.5, 0.7], "b": [0.5, 0.7]})), "a", "b")
    assert (row["mean"], row["low"], row["high"], row["wilcoxon_p"]) == (0, 0, 0, 1)


# Undefined scores and uneven studies --------------------------------------------------------------


def test_undefined_scores_are_left_out_in_pairs(values):
    holed = {name: series.copy() for name, series in values.items()}
    holed["unet"][[0, 1]] = np.nan
    holed["lsn"][[1, 2, 3]] = np.nan
    table = compare(scores_of(holed))
    assert row_of(table, "unet")["patients"] == CASES - 2
    assert row_of(table, "lsn")["patients"] == CASES - 3
    assert row_of(table, "itk_snap", "unet")["patients"] == CASES - 2
    pair = row_of(table, "lsn", "unet")
    assert pair["patients"] == CASES - 4
    assert pair["mean"] == pytest.approx((values["lsn"] - values["unet"])[4:].mean())
    expected = stats.wilcoxon(values["lsn"][4:], values["unet"][4:]).pvalue
    assert pair["wilcoxon_p"] == pytest.approx(expected)


def test_a_method_with_fewer_patients_is_paired_over_those():
    table = compare(scores_of({"few": [0.5, 0.6], "many": [0.4, 0.4, 0.9, 0.9]}))
    assert row_of(table, "many")["patients"] == 4
    pair = row_of(table, "few", "many")
    assert pair["patients"] == 2
    assert pair["mean"] == pytest.approx(0.15)


def test_a_method_without_any_score_is_left_out():
    table = compare(scores_of({"a": [0.5, 0.6], "b": [np.nan, np.nan]}))
    assert table["method"].tolist() == ["a"]
    assert tuple(table.columns) == COLUMNS


def test_methods_without_a_common_patient_are_not_paired():
    table = compare(scores_of({"a": [0.5, np.nan], "b": [np.nan, 0.6]}))
    assert table["other"].tolist() == ["", ""]


def test_one_patient_has_no_interval():
    row = row_of(compare(scores_of({"a": [0.5]})), "a")
    assert (row["patients"], row["mean"]) == (1, 0.5)
    assert np.isnan(row["low"])
    assert np.isnan(row["high"])


def test_no_scores_give_an_empty_table_with_its_columns():
    table = compare(scores_of({"a": [0.5]}).iloc[:0])
    assert len(table) == 0
    assert tuple(table.columns) == COLUMNS


def test_a_patient_with_several_folds_counts_once():
    """Held-out slices: a patient is trained on in all folds but one."""
    scores = pd.concat(
        [
            scores_of({"unet": [0.2, 0.4]}, "heldout").assign(fold=0),
            scores_of({"unet": [0.4, 0.8]}, "heldout").assign(fold=1),
        ]
    )
    row = row_of(compare(scores), "unet")
    assert row["patients"] == 2
    assert row["mean"] == pytest.approx(0.45)
    assert (row["low"], row["high"]) == pytest.approx((0.3, 0.6))


def test_subsets_and_measures_are_kept_apart(values):
    scores = pd.concat(
        [
            scores_of(values),
            scores_of({"unet": [3.0, 5.0], "lsn": [9.0, 7.0]}, measure="hd95_mm"),
            scores_of({"unet": [0.9, 0.8]}, "heldout"),
        ]
    )
    table = compare(scores, resamples=200)
    groups = table.groupby(["subset", "measure"], sort=False).size()
    assert groups.to_dict() == {
        ("unseen", "dsc"): 6, ("unseen", "hd95_mm"): 3, ("heldout", "dsc"): 1,
    }  # fmt: skip
    distances = table[table["measure"] == "hd95_mm"]
    pair = row_of(distances, "lsn", "unet")
    assert pair["mean"] == pytest.approx(4)
    # One pair alone: nothing to correct.
    assert pair["holm_p"] == pair["wilcoxon_p"]


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
    ],
)
def test_holm_by_hand(p_values, corrected):
    assert holm(p_values) == pytest.approx(corrected)


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
