import numpy as np
import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.data.check import CaseReport, cases_table, render, usable, with_twins


def reports():
    good = CaseReport(10, (9, 9, 4), (0.7, 0.7, 5.0), "LPS", -1000, 1400, 4, 3, 1500.0, 20.5)
    noted = CaseReport(
        2, (9, 9, 5), (0.7, 0.7, 5.0), "RAS", -5, 99, 5, 2, 900.0, 0.0, notes=("odd",)
    )
    bad = CaseReport(3, errors=("first problem", "second problem"))
    return [good, noted, bad]


def test_table_has_one_row_a_case_in_order(tmp_path):
    table = cases_table(reports())
    path = tmp_path / "cases.csv"
    table.to_csv(path, index=False)
    read = pd.read_csv(path)
    assert list(read["case"]) == [2, 3, 10]
    assert list(read["usable"]) == [True, False, True]
    assert read.loc[2, ["size_x", "size_y", "slices", "liver_slices"]].tolist() == [9, 9, 4, 3]
    assert read.loc[1, "errors"] == "first problem | second problem"
    assert np.isnan(read.loc[1, "liver_ml"])
    assert ",9,9,4," in path.read_text()  # counts stay whole numbers beside missing ones


def test_usable_stops_with_the_table_and_every_problem():
    with pytest.raises(UpwindError) as error:
        usable(reports(), "stop")
    text = str(error.value)
    assert text.startswith("1 of 3 cases cannot be used")
    for part in ("first problem", "second problem", "odd", "9×9×4", "1500", "on_bad_case"):
        assert part in text


def test_usable_skips():
    assert usable(reports(), "skip") == [2, 10]
    assert usable(reports()[:2], "stop") == [2, 10]


def test_usable_with_nothing_left_or_a_wrong_setting():
    with pytest.raises(UpwindError, match="None of 1 case can be used"):
        usable(reports()[2:], "skip")
    with pytest.raises(UpwindError, match="choose one of stop, skip"):
        usable(reports(), "ignore")


@pytest.mark.parametrize("width", [80, 140])
def test_printed_table_is_whole(width):
    widest = CaseReport(
        130, (512, 512, 1026), (0.7, 0.7, 10.0), "LPS", -3024, 31743, 1026, 1001, 12345.6, 1234.5
    )
    text = render([widest, *reports()], width)
    assert max(map(len, text.splitlines())) <= width
    row = next(line for line in text.splitlines() if "130" in line)
    assert row.split() == [
        *("130", "512×512×1026", "0.70×0.70×10.00", "LPS"),
        *("-3024…31743", "1001", "12346", "1234.5", "ok"),
    ]
    assert "4 cases: 3 usable, 1 bad (2 problems, 1 note)" in text
    assert text.index("Case 2\n") < text.index("Case 3\n")


def test_absurdly_small_spacing_is_not_printed_as_zero():
    assert "0.001×0.70×1e+03" in render([CaseReport(1, (9, 9, 4), (0.001, 0.7, 1000.0))])


def test_printed_problems_are_taken_literally():
    assert "[red]x[/red] :smile:" in render([CaseReport(1, errors=("[red]x[/red] :smile:",))])


def test_one_patient_under_several_numbers_is_named_under_each():
    found = [
        CaseReport(number, voxels=voxels)
        for number, voxels in ((7, "a"), (2, "b"), (5, "a"), (3, None), (9, "a"), (4, None))
    ]
    told = with_twins(found)
    assert [report.number for report in told] == [2, 3, 4, 5, 7, 9]
    texts = {report.number: (report.errors, report.notes) for report in told}
    assert texts[2] == texts[3] == texts[4] == ((), ())
    assert texts[5] == (
        (),
        ("its image has the voxels of case 7, 9: one patient under 3 numbers.",),
    )
    (error,) = texts[9][0]
    assert error.startswith("its image has the voxels of case 5, 7: one patient under 3 numbers.")
    with pytest.raises(UpwindError, match="2 of 6 cases cannot be used"):
        usable(told, "stop")
    assert usable(told, "skip") == [2, 3, 4, 5]
    assert with_twins(told[:3]) == told[:3]
