import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold

from upwind.common.errors import UpwindError
from upwind.data.folds import (
    HELDOUT,
    TRAIN,
    assign_folds,
    check_chosen,
    check_known,
    chosen_cases,
    folds_table,
    read_split,
    slices_of,
    split_slices,
    tuning_cases,
    unseen_cases,
)


def cases_of(table, fold):
    return table.loc[table["fold"] == fold, "case"].tolist()


def test_folds_of_131_cases_are_the_papers():
    table = assign_folds(range(131), 5)
    expected = [range(27), range(27, 53), range(53, 79), range(79, 105), range(105, 131)]
    assert [cases_of(table, fold) for fold in range(5)] == [list(part) for part in expected]
    assert list(table.columns) == ["case", "fold"]


@given(st.integers(2, 200), st.integers(2, 20))
@settings(deadline=None)
def test_unshuffled_folds_are_scikit_learns(count, folds):
    if folds > count:
        count, folds = folds, count
    table = assign_folds(range(count), folds)
    parts = KFold(folds).split(np.zeros(count))
    for fold, (_, unseen) in enumerate(parts):
        assert cases_of(table, fold) == unseen.tolist()


def test_folds_follow_the_case_numbers_not_the_order_of_listing():
    table = assign_folds([20, 3, 100, 1, 7], 2)
    assert cases_of(table, 0) == [1, 3, 7]
    assert cases_of(table, 1) == [20, 100]


@given(st.sets(st.integers(0, 500), min_size=2, max_size=60), st.integers(0, 99), st.data())
@settings(deadline=None, max_examples=50)
def test_shuffled_folds_hold_every_case_once_in_sizes_that_differ_by_one(cases, seed, data):
    folds = data.draw(st.integers(2, len(cases)))
    table = assign_folds(list(cases), folds, shuffle_seed=seed)
    assert table["case"].tolist() == sorted(cases)
    sizes = table["fold"].value_counts()
    assert set(sizes.index) == set(range(folds))
    assert sizes.max() - sizes.min() <= 1
    pd.testing.assert_frame_equal(table, assign_folds(sorted(cases), folds, shuffle_seed=seed))


def test_shuffle_seeds_give_different_folds():
    tables = [assign_folds(range(40), 4, shuffle_seed=seed)["fold"].tolist() for seed in (0, 1)]
    assert tables[0] != tables[1]
    assert tables[0] != assign_folds(range(40), 4)["fold"].tolist()


@pytest.mark.parametrize(
    ("cases", "folds", "message"),
    [
        (range(4), 5, "5 folds need at least 5 usable cases and there are 4; set `folds` to"),
        (range(1), 2, "2 folds need at least 2 usable cases and there are 1;"),
        ([], 2, "there are 0; .* or add cases"),
        (range(4), 1, "1 leaves nobody to train on; set `folds` to 2 or more"),
    ],
)
def test_folds_that_cannot_be_made_are_explained(cases, folds, message):
    with pytest.raises(UpwindError, match=message):
        assign_folds(cases, folds)


FOLDS = assign_folds(range(6), 3)
LIVER_SLICES = {case: list(range(10 * case, 10 * case + 20 + case)) for case in range(6)}


def training_cases(fold):
    unseen = [] if fold == "all" else unseen_cases(FOLDS, int(fold))
    return [case for case in range(6) if case not in unseen]


def split_fold(fold, share=0.1, seed=0):
    return split_slices(fold, {c: LIVER_SLICES[c] for c in training_cases(fold)}, share, seed)


@pytest.fixture(scope="module")
def split():
    return pd.concat([split_fold(fold) for fold in ("0", "1", "2", "all")], ignore_index=True)


@pytest.mark.parametrize("fold", ["0", "1", "2", "all"])
def test_split_covers_the_training_patients_liver_slices_once(split, fold):
    part = split[split["fold"] == fold]
    rows = [(case, z) for case in training_cases(fold) for z in LIVER_SLICES[case]]
    assert list(zip(part["case"], part["slice"], strict=True)) == rows
    assert (part["part"] == HELDOUT).sum() == round(0.1 * len(rows))
    assert set(part["part"]) == {TRAIN, HELDOUT}


def test_split_is_reproducible_and_depends_on_its_seed():
    pd.testing.assert_frame_equal(split_fold("1"), split_fold("1"))
    assert (split_fold("1")["part"] != split_fold("1", seed=1)["part"]).any()


def test_split_follows_the_case_numbers_not_the_order_of_the_files():
    turned = dict(reversed(LIVER_SLICES.items()))
    pd.testing.assert_frame_equal(split_slices("all", turned, 0.1, 0), split_fold("all"))


def test_heldout_slices_are_spread_over_patients_and_slices(split):
    """Shuffled, not the last tenth: a patient's share lies around a tenth, everywhere."""
    part = split_slices("all", {0: range(3000), 1: range(3000)}, 0.1, 0)
    heldout = part[part["part"] == HELDOUT]
    assert len(heldout) == 600
    counts = heldout.groupby(["case", heldout["slice"] // 500]).size()
    # Hypergeometric: 50 in each of the 12 twelfths, standard deviation 6.4.
    assert len(counts) == 12
    assert counts.between(25, 75).all()


@pytest.mark.parametrize(("count", "heldout"), [(2, 1), (9, 1), (20, 2), (26, 3)])
def test_a_tenth_is_held_out_and_at_least_one_slice(count, heldout):
    part = split_slices("0", {1: range(count)}, 0.1, 0)
    assert (part["part"] == HELDOUT).sum() == heldout


def test_patients_without_liver_slices_take_no_part():
    part = split_slices("all", LIVER_SLICES | {5: []}, 0.1, 0)
    assert 5 not in set(part["case"])


def test_slices_of_a_part_by_case(split):
    train, heldout = (slices_of(split, "1", part) for part in (TRAIN, HELDOUT))
    assert set(train) == {0, 1, 4, 5}
    for case, slices in train.items():
        together = sorted([*slices, *heldout.get(case, [])])
        assert together == LIVER_SLICES[case]


def test_split_survives_its_csv(split, tmp_path):
    split.to_csv(tmp_path / "split.csv", index=False)
    read = read_split(tmp_path / "split.csv")
    assert read.to_dict("records") == split.to_dict("records")
    assert slices_of(read, "0", HELDOUT).keys() == slices_of(split, "0", HELDOUT).keys()


def test_folds_stay_text_where_all_look_like_numbers(tmp_path, split):
    numbered = split[split["fold"] != "all"]
    numbered.to_csv(tmp_path / "split.csv", index=False)
    assert slices_of(read_split(tmp_path / "split.csv"), "2", TRAIN)


def test_chosen_cases_must_exist_and_cover_every_fold():
    folds = assign_folds(range(6), 3)
    check_chosen(folds, [0, 2, 5])
    with pytest.raises(UpwindError, match="no case 8, 9 in the data"):
        check_chosen(folds, [0, 2, 5, 8, 9])
    with pytest.raises(UpwindError, match="no case of fold 1, 2"):
        check_chosen(folds, [0, 1])


def test_the_papers_level_set_cases():
    """21 of the 131, every fold with some, the last with two alone [code]."""
    cases = chosen_cases("paper21", range(131))
    assert (len(set(cases)), min(cases), max(cases)) == (21, 3, 128)
    folds = assign_folds(range(131), 5).set_index("case")["fold"]
    assert folds[cases].value_counts().sort_index().tolist() == [6, 5, 3, 5, 2]
    check_chosen(assign_folds(range(131), 5), cases)


def test_chosen_cases_by_word_and_by_list():
    assert chosen_cases("all", [4, 7]) == [4, 7]
    assert chosen_cases([9, 1], [4, 7]) == [9, 1]


def test_tuning_cases_are_drawn_from_the_training_patients():
    training = list(range(10, 30))
    drawn = {fold: tuning_cases(training, 5, 0, fold) for fold in range(8)}
    assert all(
        len(set(cases)) == 5 and set(cases) <= set(training) and cases == sorted(cases)
        for cases in drawn.values()
    )
    assert len({tuple(cases) for cases in drawn.values()}) > 1
    assert tuning_cases(training[::-1], 5, 0, 3) == drawn[3]
    assert tuning_cases(training, 50, 0, 0) == training


def test_given_folds_are_taken_as_they_are():
    given = {0: 1, 2: 0, 5: 1, 7: 0}
    table = folds_table([7, 0, 2, 5], 2, None, given)
    assert table.to_dict("list") == {"case": [0, 2, 5, 7], "fold": [1, 0, 1, 0]}
    # A case that was left out as bad.
    assert folds_table([0, 2, 7], 2, None, given)["fold"].tolist() == [1, 0, 0]
    pd.testing.assert_frame_equal(folds_table(range(9), 3), assign_folds(range(9), 3))


def test_given_folds_that_do_not_fit_the_data_are_named():
    given = {0: 0, 2: 1, 5: 1}
    with pytest.raises(UpwindError, match=r"no fold for case 1, 9;"):
        folds_table([0, 1, 2, 9], 2, None, given)
    with pytest.raises(UpwindError, match=r"fold 0 has no usable case"):
        folds_table([2, 5], 2, None, given)
    with pytest.raises(UpwindError, match=r"the file has case 2, 5, and the data have not"):
        check_known(given, [0, 1])
    check_known(given, [0, 1, 2, 5])
