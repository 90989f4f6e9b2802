"""Folds from files: every fault is named at once."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upwind.common.errors import UpwindError
from upwind.settings.check import check_config
from upwind.settings.folds import fold_count, given_folds, read_folds

FOLDS = {0: 1, 2: 0, 5: 2, 17: 1}


def split(folds, name="liver_{}", **changed):
    """nnU-Net's entries for folds by case; ``changed`` names entries as ``train_0``."""
    numbers = range(max(folds.values()) + 1)
    entries = [
        {
            "train": [name.format(case) for case in folds if folds[case] != fold],
            "val": [name.format(case) for case in folds if folds[case] == fold],
        }
        for fold in numbers
    ]
    for key, cases in changed.items():
        side, fold = key.split("_")
        entries[int(fold)][side] = cases
    return json.dumps(entries)


def rows(folds, name="{}"):
    return "case,fold\n" + "".join(f"{name.format(c)},{f}\n" for c, f in folds.items())


@pytest.mark.parametrize("name", ["{}", "liver_{}", "case_{:03d}", "a7-b_{}"])
@pytest.mark.parametrize("make", [split, rows])
def test_both_formats_by_the_digits_that_end_a_name(tmp_path, make, name):
    path = tmp_path / "any.name"
    path.write_text(make(FOLDS, name))
    assert read_folds(path) == FOLDS
    assert (given_folds(str(path)), fold_count(str(path))) == (FOLDS, 3)
    assert (given_folds(5), fold_count(5)) == (None, 5)


def test_a_spreadsheets_file(tmp_path):
    path = tmp_path / "folds.csv"
    path.write_bytes("\ufefffold,note,case\r\n0,,3\r\n1,x,4\r\n".encode())
    assert read_folds(path) == {3: 0, 4: 1}


@given(st.dictionaries(st.integers(0, 500), st.integers(0, 4), min_size=2))
def test_any_partition_comes_back(tmp_path_factory, folds):
    numbers = sorted(set(folds.values()))
    folds = dict(sorted((case, numbers.index(fold)) for case, fold in folds.items()))
    path = tmp_path_factory.mktemp("folds") / "f"
    for make in (split, rows):
        path.write_text(make(folds))
        if len(numbers) > 1:
            assert read_folds(path) == folds
        else:
            with pytest.raises(UpwindError, match="two or more"):
                read_folds(path)


def faults(tmp_path, text):
    path = tmp_path / "splits.txt"
    path.write_text(text)
    with pytest.raises(UpwindError) as error:
        read_folds(path)
    first, *listed = str(error.value).splitlines()
    assert first.startswith(f"folds: {path} is no")
    return [line.removeprefix("  - ") for line in listed] or [first]


def test_every_fault_of_a_split_is_named(tmp_path):
    text = split(
        FOLDS,
        train_0=["liver_0", "liver_2", "liver_5", "liver_x"],
        val_1=["liver_0", "liver_17", "liver_5"],
        val_2=[],
    )
    assert faults(tmp_path, text) == [
        "fold 0, train: 'liver_x' does not end in a case's number",
        "fold 0: in train and in val are cases 2",
        "fold 0: neither in train nor in val are cases 17",
        "fold 1: in train and in val are cases 5",
        "fold 2: neither in train nor in val are cases 5",
    ]
    text = split(FOLDS, val_2=["0"], train_2=["2", "5", "17"])
    assert faults(tmp_path, text) == [
        "case 0 is in val of folds 1, 2: once is right",
        "case 5 is in val of no fold: once is right",
    ]


def test_every_fault_of_a_table_is_named(tmp_path):
    text = "case,fold\n1,0\nx,1\n2,one\n1,1\n4,\n"
    assert faults(tmp_path, text) == [
        "line 3: 'x' does not end in a case's number",
        "line 4: 'one' is no number of a fold",
        "line 6: '' is no number of a fold",
        "case 1 stands more than once (lines 2, 5)",
    ]
    (fault,) = faults(tmp_path, rows({0: 0, 1: 2}))
    assert fault == "its folds are 0, 2: there must be two or more, numbered from 0"


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "{}", "[1]", '[{"train": 1, "val": []}]', "[{]"]
)
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "splits.txt"
    path.write_text(text)
    with pytest.raises(UpwindError, match=r"splits\.txt is n"):
        read_folds(path)


def test_the_configuration_names_them_beside_other_faults(tmp_path):
    path = tmp_path / "folds.csv"
    path.write_text(rows({0: 0, 1: 0}))
    given = {"experiment": "x", "folds": str(path), "fold_shuffle_seed": 1}
    with pytest.raises(UpwindError) as error:
        check_config(given | {"kernels": {"network": 7}})
    for part in ("folds.csv is no partition", "its folds are 0", "fold_shuffle_seed: folds that"):
        assert part in str(error.value)
    path.write_text(rows(FOLDS))
    with pytest.raises(UpwindError, match=r"no fold 7; folds are 0 to 2"):
        check_config(given | {"fold_shuffle_seed": None, "kernels": {"network": 7}})
    with pytest.raises(UpwindError, match=r"nowhere\.csv cannot be read"):
        check_config({"experiment": "x", "folds": "nowhere.csv"})
    assert check_config({"experiment": "x", "folds": str(path)})["folds"] == str(path)
