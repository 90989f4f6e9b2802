import numpy as np
import pandas as pd
import pytest
from scipy import stats

from upwind.common.holm import holm
from upwind.tables import comparison
from upwind.tables.comparison import COLUMNS, measures_of

CASES = 25
MEASURES = ("dsc", "hd95_mm", "hd95_max_mm", "assd_mm", "nsd_3mm")
DIAGONAL = 600.0


def compare(scores, resamples=10_000, confidence=0.95, seed=0):
    return comparison.compare(scores, resamples, confidence, seed)


def scores_of(values, subset="unseen", measure="dsc", fold=None, **others):
    """scores.csv from {method: one value per case}; the other measures undefined. Without a fold
    patients have nothing in common."""
    rows = [
        {"method": method, "fold": fold, "case": case, "subset": subset}
        | dict.fromkeys(MEASURES, np.nan)
        | {"mask_voxels": 9, "label_voxels": 9, "diagonal_mm": DIAGONAL}
        | {measure: value}
        | others
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
    assert table.loc[single, ["p", "holm_p"]].isna().all(axis=None)
    assert table.loc[~single, ["p", "holm_p"]].notna().all(axis=None)


def expanded(confidence):
    """The confidence of a percentile interval that is as wide as Student's (Hesterberg 2015)."""
    wider = np.sqrt(CASES / (CASES - 1)) * stats.t.ppf((1 + confidence) / 2, CASES - 1)
    return 2 * stats.norm.cdf(wider) - 1


@pytest.mark.parametrize("pair", [("unet", ""), ("lsn", ""), ("lsn", "unet"), ("itk_snap", "lsn")])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_intervals_are_scipys_percentile_bootstrap_within_monte_carlo_error(
    values, pair, confidence
):
    method, other = pair
    data = values[method] - (values[other] if other else 0)
    ours = row_of(compare(scores_of(values), 10_000, confidence, seed=1), method, other)
    theirs = stats.bootstrap(
        (data,), np.mean, n_resamples=10_000, confidence_level=expanded(confidence),
        method="percentile", rng=np.random.default_rng(2),
    )  # fmt: skip
    assert ours["mean"] == pytest.approx(data.mean())
    # Standard error of a quantile q of a normal distribution from B draws, times 5, for two draws.
    tail = (1 - expanded(confidence)) / 2
    density = stats.norm.pdf(stats.norm.ppf(tail))
    spread = theirs.standard_error / density * np.sqrt(tail * (1 - tail) / 10_000)
    tolerance = 5 * np.sqrt(2) * spread
    assert tolerance < 0.2 * (ours["high"] - ours["low"])
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
    assert (row["test"], row["p"]) == ("signed rank", pytest.approx(expected))
    assert row["mean"] == pytest.approx((values[method] - values[other]).mean())


def test_p_values_are_corrected_over_the_pairs(table):
    pairs = table[table["other"] != ""]
    assert pairs["holm_p"].tolist() == holm(pairs["p"].tolist())


def test_methods_that_never_differ_have_p_one():
    row = row_of(compare(scores_of({"a": [0.5, 0.7], "b": [0.5, 0.7]})), "a", "b")
    assert (row["mean"], row["low"], row["high"], row["p"]) == (0, 0, 0, 1)


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
    assert pair["p"] == pytest.approx(expected)


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
            scores_of({"unet": [0.42, 0.44]}, "heldout").assign(fold=0),
            scores_of({"unet": [0.44, 0.48]}, "heldout").assign(fold=1),
        ]
    )
    row = row_of(compare(scores), "unet")
    assert row["patients"] == 2
    assert row["mean"] == pytest.approx(0.445)
    # Two folds with means 0.43 and 0.46: standard error 0.015, and t of one degree of freedom.
    assert row["over"] == "t over 2 folds"
    half = 0.015 * stats.t.ppf(0.975, 1)
    assert (row["low"], row["high"]) == pytest.approx((0.445 - half, 0.445 + half))


def test_an_interval_of_a_score_ends_where_scores_do():
    table = compare(scores_of({"a": [0.2, 0.9], "b": [0.1, 0.5]}))
    assert row_of(table, "a")[["low", "high"]].tolist() == [0, 1]
    assert row_of(table, "a", "b")["low"] < -1  # a difference is no score
    far = compare(scores_of({"a": [1.0, 90.0]}, measure="hd95_mm"))
    assert (row_of(far, "a")["low"], row_of(far, "a")["high"] > 90) == (0, True)


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
    assert row_of(distances, "lsn", "unet")["mean"] == pytest.approx(4)


# Empty masks --------------------------------------------------------------------------------------


def test_an_empty_mask_counts_beside_its_distances_and_as_the_volumes_diagonal():
    """A method that found nothing in two of seven patients, and is closer in the others."""
    near, far = [1.0] * 5 + [np.nan] * 2, [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    scores = scores_of({"near": near, "far": far}, measure="hd95_mm")
    scores.loc[scores["hd95_mm"].isna(), "mask_voxels"] = 0
    table = compare(scores)
    left_out = row_of(table[table["measure"] == "hd95_mm"], "far", "near")
    assert (left_out["patients"], left_out["empty"], left_out["mean"]) == (5, 2, 3)
    filled = row_of(table[table["measure"] == "hd95_mm_or_diagonal"], "far", "near")
    assert (filled["patients"], filled["empty"]) == (7, 2)
    assert filled["mean"] == pytest.approx((1 + 2 + 3 + 4 + 5 + 7 + 8 - 2 * DIAGONAL) / 7)
    single = table[(table["measure"] == "hd95_mm") & (table["other"] == "")]
    assert single.set_index("method")["empty"].to_dict() == {"far": 0, "near": 2}


def test_where_no_mask_is_empty_nothing_is_filled():
    scores = scores_of({"a": [1.0, 2.0], "b": [3.0, 4.0]}, measure="hd95_mm")
    assert set(compare(scores)["measure"]) == {"hd95_mm"}


def test_two_empty_masks_are_no_failure():
    scores = scores_of({"a": [1.0, 2.0, np.nan]}, measure="hd95_mm")
    scores.loc[2, ["mask_voxels", "label_voxels"]] = 0
    row = row_of(compare(scores), "a")
    assert (row["patients"], row["empty"], row["mean"]) == (2, 0, 1.5)


def test_dsc_and_nsd_need_no_filling():
    scores = scores_of({"a": [0.5, 0.0]}, nsd_3mm=0.0)
    scores.loc[1, "mask_voxels"] = 0
    assert set(compare(scores)["measure"]) == {"dsc", "nsd_3mm"}


def test_measures_are_those_of_the_table_in_its_order():
    assert measures_of(scores_of({"a": [0.5]})) == list(MEASURES)


# Networks and seeds -------------------------------------------------------------------------------


def test_the_interval_is_over_folds_where_patients_share_networks():
    """Two patients a fold that are alike: three folds are three independent values, not six."""
    folds = np.repeat([0.6, 0.7, 0.8], 2)
    scores = scores_of({"unet": folds}).assign(fold=np.repeat([0, 1, 2], 2))
    row = row_of(compare(scores), "unet")
    half = stats.t.ppf(0.975, 2) * np.std([0.6, 0.7, 0.8], ddof=1) / np.sqrt(3)
    assert (row["low"], row["high"]) == pytest.approx((0.7 - half, 0.7 + half))
    assert row["over"] == "t over 3 folds"
    assert row["patients"] == 6


def test_the_test_is_over_folds_where_patients_share_networks():
    """A difference in every one of six folds: two of the 64 patterns of signs are as extreme."""
    folds, b = np.repeat(range(6), 2), np.linspace(0.1, 0.4, 12)
    scores = scores_of({"a": b + 0.1, "b": b}).assign(fold=[*folds, *folds])
    row = row_of(compare(scores), "a", "b")
    assert (row["test"], row["p"], row["holm_p"]) == ("sign flips", 2 / 64, 2 / 64)
    few = row_of(compare(scores[scores["fold"] < 5]), "a", "b")
    assert (few["test"], few["note"]) == ("sign flips", "5 folds differ: least possible p 0.0625")
    assert np.isnan(few["holm_p"])


def of_seeds(**values):
    """``method_seed=[value of case 0, of case 1]``."""
    parts = [
        scores_of({name.split("_")[0]: series}).assign(seed=int(name.split("_")[1]))
        for name, series in values.items()
    ]
    return pd.concat(parts)


def test_seeds_have_a_range_and_patients_their_mean_over_them():
    table = compare(of_seeds(a_0=[0.5, 0.7], a_1=[0.7, 0.9], b_0=[0.4, 0.6], b_1=[0.8, 0.8]))
    row = row_of(table, "a")
    assert (row["seeds"], row["patients"]) == (2, 2)
    assert (row["mean"], row["seed_low"], row["seed_high"]) == pytest.approx((0.7, 0.6, 0.8))
    # Patients' means are 0.6 and 0.8: standard error 0.1, and the interval wider than can be.
    assert (row["high"], row["over"]) == (1, "t over 2 patients")
    pair = row_of(table, "a", "b")
    assert (pair["mean"], pair["seed_low"], pair["seed_high"]) == pytest.approx((0.05, 0, 0.1))


def test_a_method_of_one_seed_stands_against_each_of_anothers():
    table = compare(of_seeds(a_0=[0.5, 0.7], a_1=[0.7, 0.9], b_0=[0.4, 0.6]))
    for pair, sign in ((row_of(table, "a", "b"), 1),):
        assert sign * pair["mean"] == pytest.approx(0.2)
        assert (pair["seeds"], pair["seed_low"], pair["seed_high"]) == pytest.approx((2, 0.1, 0.3))
    other = compare(of_seeds(c_0=[0.5, 0.7], c_1=[0.7, 0.9], b_0=[0.4, 0.6]))
    assert row_of(other, "b", "c")["seed_high"] == pytest.approx(-0.1)


def test_one_seed_has_no_range():
    row = row_of(compare(scores_of({"a": [0.5, 0.7]})), "a")
    assert row["seeds"] == 1
    assert np.isnan(row["seed_low"])
