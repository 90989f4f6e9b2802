"""Cells of Table I and the scores behind them."""

import pytest

from upwind.audit.trace.cells import holders, read_cell, read_scores
from upwind.common.errors import UpwindError


@pytest.mark.parametrize(
    ("name", "value", "scores"),
    [
        ("unet,0", "0.75", ["0.875", "0.625"]),
        (" unet , 1 ", "0.375", ["0.5", "0.25"]),
        ("itk_snap,avg", "0.75", ["0.9", "0.8", "0.7", "0.6"]),
        ("lsn_test,0", "0.3125", ["0.375", "0.25"]),
        ("lsn_validation,avg_without_1", "0.625", ["0.75", "0.5"]),
        # As they stand in the table.
        ("UNet,fold 0", "0.75", ["0.875", "0.625"]),
        ("LSN  test, Fold 0", "0.3125", ["0.375", "0.25"]),
        ("ITK-SNAP,AVG", "0.75", ["0.9", "0.8", "0.7", "0.6"]),
    ],
)
def test_a_cell_is_the_mean_of_its_scores(experiment, name, value, scores):
    cell = read_cell(experiment.results, name)
    assert cell.value == value
    assert [score.dsc for score in cell.scores] == scores


def test_which_folds_failed_counts_only_where_they_are_left_out(experiment):
    assert read_cell(experiment.results, "unet,avg").inputs == ("scores.csv",)
    left_out = read_cell(experiment.results, "unet,avg_without_1")
    assert left_out.inputs == ("scores.csv", "verdicts.csv")


@pytest.mark.parametrize("name", ["unet,2", "cnn,0", "unet", "0,unet", "fold,0", ""])
def test_another_cell_is_refused_with_those_that_there_are(experiment, name):
    with pytest.raises(UpwindError) as error:
        read_cell(experiment.results, name)
    columns = "itk_snap (ITK-SNAP), unet, lsn_test (LSN Test), lsn_validation (LSN Validation)"
    assert f"column of {columns} and a row of" in str(error.value)
    assert "row of 0, 1, avg, avg_without_1" in str(error.value)


def test_the_files_that_hold_scores(experiment):
    files = sorted((experiment.results / "scores").glob("*.csv"))
    cell = read_cell(experiment.results, "lsn_test,avg")
    assert [path.name for path in holders(cell.scores, files)] == ["lsn-0.csv", "lsn-1.csv"]


def test_scores_that_no_file_holds_narrow_nothing(experiment):
    files = sorted((experiment.results / "scores").glob("*.csv"))
    cell = read_cell(experiment.results, "lsn_test,avg")
    path = experiment.results / "scores/lsn-1.csv"
    path.write_text(path.read_text().replace("0.0625", "0.0626"))
    assert holders(cell.scores, files) == []


def test_numbers_count_and_not_how_they_are_written(experiment):
    path = experiment.results / "scores/unet-0.csv"
    path.write_text(path.read_text().replace("0.875", "8.75e-01"))
    cell = read_cell(experiment.results, "unet,0")
    assert holders(cell.scores, [path]) == [path]


def test_an_undefined_score(experiment):
    path = experiment.results / "scores.csv"
    path.write_text(path.read_text().replace(",0.875\n", ",\n"))
    assert read_scores(path)[4].dsc == ""


@pytest.mark.parametrize("text", ["", "method,fold\nunet,0\n", b"\xff\xfe"])
def test_a_file_that_is_no_table_of_scores(tmp_path, text):
    path = tmp_path / "scores.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UpwindError, match=r"scores\.csv"):
        read_scores(path)


@pytest.mark.parametrize("value", ["[/bold]x", "<script>", "", "nan", "1e999"])
def test_a_cell_or_a_score_that_is_no_number(experiment, value):
    path = experiment.results / "table1.csv"
    before = path.read_text()
    path.write_text(before.replace("0,0.85,0.75", f"0,0.85,{value}", 1))
    with pytest.raises(UpwindError, match=r"its cell unet,0 is .* run upwind audit"):
        read_cell(experiment.results, "unet,0")
    path.write_text(before)
    scores = experiment.results / "scores.csv"
    if value:
        scores.write_text(scores.read_text().replace("0.875", value))
        with pytest.raises(UpwindError, match="no number; run upwind audit"):
            read_cell(experiment.results, "unet,0")
