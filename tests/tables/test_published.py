from pathlib import Path

import pandas as pd
import pytest

from upwind.tables.published import ROUNDING, arithmetic_notes, published_table1

COLUMNS = ["itk_snap", "unet", "lsn_test", "lsn_validation"]


def test_figures_are_those_of_the_reference_file():
    file = Path(__file__).resolve().parents[2].parent / "shared/reference/table1_published.csv"
    if not file.exists():
        pytest.skip("the reference file is not on this machine")
    reference = pd.read_csv(file, dtype={"fold": str}).set_index("fold")
    pd.testing.assert_frame_equal(published_table1(), reference)


def test_columns_have_the_names_of_table_1():
    table = published_table1()
    assert table.loc["0"].to_dict() == dict(zip(COLUMNS, [0.736, 0.912, 0.837, 0.619], strict=True))
    assert table.index.tolist() == ["0", "1", "2", "3", "4", "avg", "avg_without_2"]


def test_one_printed_average_does_not_hold():
    (note,) = arithmetic_notes(published_table1(), {"itk_snap": "ITK-SNAP"})
    assert note == (
        "Published ITK-SNAP, avg without 2: printed as 0.604, but the mean of the printed folds "
        "is 0.677."
    )


def test_every_other_average_agrees_within_rounding():
    table = published_table1()
    folds = table.loc[list("01234")]
    apart = {
        (name, column): abs(table.loc[name, column] - mean)
        for name, kept in (("avg", folds), ("avg_without_2", folds.drop(index="2")))
        for column, mean in kept.mean().items()
    }
    wrong = apart.pop(("avg_without_2", "itk_snap"))
    assert wrong == pytest.approx(0.07325)
    assert max(apart.values()) <= ROUNDING


@pytest.mark.parametrize(
    ("name", "column", "by", "noted"),
    [
        ("avg", "unet", 0.002, 0),
        ("avg", "unet", 0.003, 1),
        ("avg", "unet", -0.01, 1),
        ("avg_without_2", "lsn_test", 0.01, 1),
    ],
)
def test_an_average_is_noted_once_it_is_further_off_than_rounding(name, column, by, noted):
    table = published_table1()
    kept = [f for f in "01234" if name == "avg" or f != "2"]
    table.loc[name, column] = table.loc[kept, column].mean() + by
    # The cell that is wrong in print always has its note.
    notes = [note for note in arithmetic_notes(table, {}) if f"Published {column}, " in note]
    assert len(notes) == noted


def test_averages_may_leave_out_several_folds():
    table = pd.DataFrame({"unet": [0.5, 0.7, 0.9, 0.1, 0.9]}, index=[*"0123", "avg_without_1_3"])
    (note,) = arithmetic_notes(table, {})
    assert note.endswith("avg without 1 3: printed as 0.900, but the mean of the printed folds "
                         "is 0.700.")  # fmt: skip
    table.loc["avg_without_1_3"] = 0.7
    assert arithmetic_notes(table, {}) == []
