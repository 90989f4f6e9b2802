import itertools
import re

import numpy as np
import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.methods import catalogue, in_order, table1_columns
from upwind.methods.method import Column, Method
from upwind.tables.published import published_table1
from upwind.tables.table1 import (
    coverage_notes,
    failed_folds,
    failed_notes,
    left_out_notes,
    mask_notes,
    size_notes,
    table1,
    to_html,
    to_latex,
    to_markdown,
)

# Whatever others somebody adds.
METHODS = {key: catalogue()[key] for key in ("itk_snap", "itk_snap_blind", "unet", "lsn")}
COLUMNS = {key: (m.key, column.subset) for key, (m, column) in table1_columns(METHODS).items()}
HEADINGS = ["ITK-SNAP", "UNet", "LSN Test", "LSN Validation"]


def rows(method, subset, by_case):
    """Rows of scores.csv from {(fold, case): dsc}."""
    return [
        {"method": method, "fold": fold, "case": case, "subset": subset, "dsc": dsc}
        for (fold, case), dsc in by_case.items()
    ]


@pytest.fixture
def scores():
    """Three folds; fold 0 has two unseen patients and the others one."""
    return pd.DataFrame(
        [
            *rows("itk_snap", "unseen", {(0, 0): 0.5, (0, 1): 0.7, (1, 2): 0.8, (2, 3): 0.1}),
            *rows("unet", "unseen", {(0, 0): 0.9, (0, 1): 0.8, (1, 2): 0.7, (2, 3): 0.6}),
            *rows("unet", "unseen_liver", {(0, 0): 0.95, (0, 1): 0.9, (1, 2): 0.9, (2, 3): 0.9}),
            *rows("unet", "heldout", {(0, 2): 0.99, (1, 0): 0.99, (2, 0): 0.99}),
            *rows("lsn", "unseen", {(0, 0): 0.6, (0, 1): 0.4, (1, 2): 0.3, (2, 3): 0.01}),
            *rows("lsn", "heldout", {(0, 2): 0.8, (0, 3): 0.6, (1, 0): 0.5, (2, 0): 0.02}),
        ]
    )


def test_cells_are_the_means_over_a_folds_cases(scores):
    table = table1(scores, METHODS)
    assert list(table.columns) == ["fold", "itk_snap", "unet", "lsn_test", "lsn_validation"]
    assert table["fold"].tolist() == ["0", "1", "2", "avg"]
    expected = [
        [0.6, 0.85, 0.7, 0.5],
        [0.8, 0.7, 0.5, 0.3],
        [0.1, 0.6, 0.02, 0.01],
        [0.5, 2.15 / 3, 1.22 / 3, 0.27],
    ]
    np.testing.assert_allclose(table.drop(columns="fold").to_numpy(float), expected)


def test_the_average_is_over_folds_not_over_cases(scores):
    by_case = scores.query("method == 'unet' and subset == 'unseen'")["dsc"].mean()
    average = table1(scores, METHODS).set_index("fold").loc["avg", "unet"]
    assert average == pytest.approx((0.85 + 0.7 + 0.6) / 3)
    assert average != pytest.approx(by_case)


def test_failed_folds_are_left_out_of_a_further_average_in_all_columns(scores):
    table = table1(scores, METHODS, failed=[2])
    assert table["fold"].tolist() == ["0", "1", "2", "avg", "avg_without_2"]
    last = table.set_index("fold").loc["avg_without_2"]
    np.testing.assert_allclose(last.to_numpy(float), [0.7, 0.775, 0.6, 0.4])
    # The failed fold stays in its row and in the plain average.
    plain = table1(scores, METHODS)
    pd.testing.assert_frame_equal(table.iloc[:4], plain)


def test_several_failed_folds_are_named_in_order(scores):
    table = table1(scores, METHODS, failed=[2, 0])
    last = table.iloc[-1]
    assert last["fold"] == "avg_without_0_2"
    assert last["itk_snap"] == pytest.approx(0.8)


def test_there_is_no_average_without_every_fold(scores):
    assert table1(scores, METHODS, failed=[0, 1, 2])["fold"].tolist() == ["0", "1", "2", "avg"]


def test_an_undefined_dsc_is_left_out_of_its_fold(scores):
    chosen = (scores["method"] == "itk_snap") & (scores["case"] == 1)
    scores.loc[chosen, "dsc"] = np.nan
    assert table1(scores, METHODS).loc[0, "itk_snap"] == pytest.approx(0.5)


def test_ten_and_more_folds_stay_in_numerical_order():
    cells = {(fold, fold): fold / 20 for fold in (10, 2, 0, 11, 1, 9, 8, 7, 6, 5, 4, 3)}
    scores = pd.DataFrame(
        [row for method, subset in COLUMNS.values() for row in rows(method, subset, cells)]
    )
    table = table1(scores, METHODS)
    assert table["fold"].tolist() == [*map(str, range(12)), "avg"]
    np.testing.assert_allclose(table["unet"][:12].astype(float), np.arange(12) / 20)


@pytest.mark.parametrize(
    ("method", "subset", "column"),
    [
        ("itk_snap", "unseen", "itk_snap"),
        ("lsn", "heldout", "lsn_test"),
        ("lsn", "unseen", "lsn_validation"),
    ],
)
def test_a_missing_method_is_named(scores, method, subset, column):
    left = scores[(scores["method"] != method) | (scores["subset"] != subset)]
    with pytest.raises(UpwindError) as error:
        table1(left, METHODS)
    assert f"no defined DSC for {column} of fold 0, {column} of fold 1, {column} of fold 2" in str(
        error.value
    )
    assert "see scores.csv, and levelset.cases in the configuration" in str(error.value)


def test_a_fold_whose_scores_are_all_undefined_is_named(scores):
    scores.loc[(scores["method"] == "unet") & (scores["fold"] == 1), "dsc"] = np.nan
    with pytest.raises(UpwindError, match="no defined DSC for unet of fold 1;"):
        table1(scores, METHODS)


def test_no_scores_at_all_make_no_table(scores):
    with pytest.raises(UpwindError, match="no defined DSC for any fold"):
        table1(scores.iloc[:0], METHODS)


def test_the_csv_keeps_the_promised_form(scores, tmp_path):
    table1(scores, METHODS, [2]).to_csv(tmp_path / "table1.csv", index=False)
    lines = (tmp_path / "table1.csv").read_text().splitlines()
    assert lines[0] == "fold,itk_snap,unet,lsn_test,lsn_validation"
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1", "2", "avg", "avg_without_2"]
    read = pd.read_csv(tmp_path / "table1.csv")
    assert all(pd.api.types.is_float_dtype(read[name]) for name in COLUMNS)


# Verdicts -----------------------------------------------------------------------------------------

VERDICTS = pd.DataFrame(
    {
        "method": ["unet", "unet", "lsn", "lsn"],
        "fold": [0, 2, 0, 2],
        "failed": [False, True, False, True],
        "reason": ["", "held-out DSC 0.116 is below 0.5", "", "the loss was no longer finite"],
    }
)


def test_a_fold_failed_where_any_network_failed(tmp_path):
    VERDICTS.to_csv(tmp_path / "verdicts.csv", index=False)
    read = pd.read_csv(tmp_path / "verdicts.csv")
    assert failed_folds(read) == [2]
    assert failed_folds(read[:1]) == []
    assert failed_folds(read.assign(failed=[True, False, False, True])) == [0, 2]


def test_failures_are_told_with_their_reason_and_the_rule():
    rule = "rule stated beforehand: held-out DSC below 0.5 or a loss that is not finite"
    assert failed_notes(VERDICTS, METHODS, 0.5) == [
        f"UNet, fold 2, failed to train: held-out DSC 0.116 is below 0.5 ({rule}).",
        f"LSN, fold 2, failed to train: the loss was no longer finite ({rule}).",
    ]
    assert failed_notes(VERDICTS[:1], METHODS, 0.5) == [f"No training failed ({rule})."]


# Beside the published figures ---------------------------------------------------------------------


@pytest.fixture
def five_folds():
    """A table of five folds, of which fold 3 failed, with figures unlike the published."""
    cells = {(fold, fold): (fold + 1) / 10 for fold in range(5)}
    parts = [rows(method, subset, cells) for method, subset in COLUMNS.values()]
    return table1(pd.DataFrame(itertools.chain(*parts)), METHODS, failed=[3])


def markdown_cells(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_markdown_has_ours_and_the_published_figure_in_every_known_row(five_folds):
    header, rule, *body = markdown_cells(to_markdown(five_folds, METHODS))
    assert header == ["Fold", *HEADINGS]
    assert set("".join(rule)) == {"-", ":"}
    published = published_table1()
    ours = five_folds.set_index("fold")
    for fold, *cells in body:
        for column, cell in zip(COLUMNS, cells, strict=True):
            expected = f"{ours.loc[fold, column]:.3f}"
            if fold in published.index:
                expected += f" / {published.loc[fold, column]:.3f}"
            assert cell == expected
    assert [row[0] for row in body] == [*"01234", "avg", "avg_without_3"]
    assert body[-1][1] == f"{(0.1 + 0.2 + 0.3 + 0.5) / 4:.3f}"  # no such row in the paper


def notes_of(markdown):
    return [line[2:] for line in markdown.splitlines() if line.startswith("- ")]


def test_notes_say_what_compares_and_where_the_paper_is_wrong(five_folds):
    notes = notes_of(to_markdown(five_folds, METHODS, ["Fold 3 failed."]))
    assert notes[0].startswith("Of two numbers in a cell the first is ours")
    assert "Fold 3 failed." in notes
    assert any("oracle-initialised" in note for note in notes)
    assert any("no other column compares" in note for note in notes)
    wrong = [note for note in notes if note.startswith("Published")]
    assert wrong == [
        "Published ITK-SNAP, avg without 2: printed as 0.604, but the mean of the printed folds "
        "is 0.677."
    ]


def latex_rows(text):
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    lines = [line.strip() for line in body.strip().splitlines()]
    assert all(line.endswith(r" \\") for line in lines)
    return [line.removesuffix(r" \\").split(" & ") for line in lines]


def test_latex_has_the_same_figures(five_folds):
    text = to_latex(five_folds, METHODS, ["Fold 3 failed."])
    ours = markdown_cells(to_markdown(five_folds, METHODS))[2:]
    for latex, markdown in zip(latex_rows(text), ours, strict=True):
        assert latex[0] == markdown[0].replace("_", r"\_")
        assert [re.findall(r"[\d.]+", c) for c in latex[1:]] == [
            re.findall(r"[\d.]+", c) for c in markdown[1:]
        ]
        assert len(latex) == 5
    assert latex_rows(text)[0][1] == "0.100 (0.736)"
    assert r"\begin{tabular}{lrrrr}" in text


def test_latex_has_the_same_notes_and_says_in_its_caption_whose_numbers_are_whose(five_folds):
    note = "Fold 3 failed."
    latex = to_latex(five_folds, METHODS, [note])
    lines = [line for line in latex.splitlines() if line.startswith(r"\par\footnotesize ")]
    texts = [line.removeprefix(r"\par\footnotesize ") for line in lines]
    assert texts == notes_of(to_markdown(five_folds, METHODS, [note]))[1:]
    assert r"\caption{DSC for each fold; in parentheses as published.}" in latex


def test_latex_environments_close_in_order(five_folds):
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", to_latex(five_folds, METHODS)):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []


@pytest.mark.parametrize(
    ("given", "escaped"),
    [
        ("avg_without_2", r"avg\_without\_2"),
        ("90 % & more", r"90 \% \& more"),
        ("DSC < 0.5 > 0", "DSC $<$ 0.5 $>$ 0"),
        ("#1 costs $5", r"\#1 costs \$5"),
        ("{a}", r"\{a\}"),
        ("a~b^c", r"a\textasciitilde{}b\textasciicircum{}c"),
        (r"C:\data", r"C:\textbackslash{}data"),
    ],
)
def test_what_latex_takes_for_commands_is_escaped(five_folds, given, escaped):
    assert rf"\par\footnotesize {escaped}" in to_latex(five_folds, METHODS, [given]).splitlines()


def test_a_method_scored_on_fewer_patients_is_said():
    rows = [("unet", 0), ("unet", 1), ("unet", 2), ("itk_snap", 1)]
    scores = pd.DataFrame(rows, columns=["method", "case"]).assign(subset="unseen")
    assert coverage_notes(scores, METHODS) == ["ITK-SNAP was scored on 1 of 3 patients."]
    assert coverage_notes(scores[scores["method"] == "unet"], METHODS) == []


def test_cases_left_out_are_named():
    cases = pd.DataFrame({"case": [0, 3, 7], "usable": [True, False, False]})
    assert "case 3, 7" in left_out_notes(cases)[0]
    assert left_out_notes(cases[cases["usable"]]) == []


def test_cases_whose_sizes_are_not_known_are_named():
    cases = pd.DataFrame({"case": [0, 3, 28, 47], "usable": [True, False, True, True]})
    cases["sizes_known"] = [True, False, False, None]
    (note,) = size_notes(cases)
    assert "no size of a voxel, or two: case 28. DSC is not touched" in note
    assert size_notes(cases[:1]) == []


def test_html_shows_every_cell_and_escapes_the_notes():
    row = [0.5, 0.25, 0.125, 1.0]
    folds = [str(fold) for fold in range(5)]
    table = pd.DataFrame([[fold, *row] for fold in folds], columns=["fold", *COLUMNS])
    page = to_html(table, METHODS, ["DSC < 0.5"])
    for cell in ("0.500 / 0.736", "0.250 / 0.912", "0.125 / 0.837", "1.000 / 0.619"):
        assert f"<td>{cell}</td>" in page
    assert "<li>DSC &lt; 0.5</li>" in page


def test_folds_that_are_not_the_papers_stand_beside_its_average_alone():
    names = ["0", "1", "2", "avg"]
    table = pd.DataFrame([[name, *[0.5] * 4] for name in names], columns=["fold", *COLUMNS])
    lines = to_markdown(table, METHODS).splitlines()
    assert lines[2] == "| 0 | 0.500 | 0.500 | 0.500 | 0.500 |"
    assert lines[5] == "| avg | 0.500 / 0.640 | 0.500 / 0.903 | 0.500 / 0.692 | 0.500 / 0.511 |"


def test_a_column_of_ones_own_stands_alone_where_nothing_is_published(five_folds):
    """A fifth column: Table I has it, the paper has not."""
    own = Method("own", "Own", knows="CT", has="nothing", columns=(Column("own", "Own"),))
    methods = in_order([*METHODS.values(), own])
    table = five_folds.assign(own=0.25)
    header, _, *body = markdown_cells(to_markdown(table, methods))
    assert header == ["Fold", *HEADINGS, "Own"]
    assert body[0] == ["0", "0.100 / 0.736", "0.100 / 0.912", "0.100 / 0.837", "0.100 / 0.619",
                       "0.250"]  # fmt: skip
    assert latex_rows(to_latex(table, methods))[0][-1] == "0.250"
    assert "<td>0.250</td>" in to_html(table, methods)


def test_a_column_that_is_gone_takes_its_published_figures_with_it(five_folds):
    fewer = {key: method for key, method in METHODS.items() if key != "itk_snap"}
    text = to_markdown(five_folds.drop(columns="itk_snap"), fewer)
    assert markdown_cells(text)[0] == ["Fold", *HEADINGS[1:]]
    assert "Published ITK-SNAP" not in text


def test_a_method_that_was_left_without_masks_is_named_with_the_cases():
    masks = pd.DataFrame(
        {"method": ["a", "a", "b", "a"], "case": [0, 3, 3, 7], "usable": [True, False, True, False]}
    )
    assert mask_notes(masks, METHODS) == [
        "a was left without case 3, 7, whose masks are missing or unusable: masks.csv."
    ]
    assert mask_notes(masks[masks["usable"]], METHODS) == []
