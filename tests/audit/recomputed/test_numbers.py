"""Tables made again from the files that they rest on: a wrong number anywhere is named."""

import json
import math

import pandas as pd
import pytest

from upwind.audit.findings import FindingKind, Severity
from upwind.audit.recomputed.numbers import Results, check_numbers, same
from upwind.methods import catalogue, to_json
from upwind.scores.seeds import gather_seeds
from upwind.tables.extended import extended_table
from upwind.tables.table1 import table1

# Whatever others somebody adds.
PAPER = {key: catalogue()[key] for key in ("itk_snap", "itk_snap_blind", "unet", "lsn")}
CONFIG = {"training": {"failed_below": 0.5}}
HELDOUT = {("unet", "0"): 0.9, ("unet", "1"): 0.8, ("lsn", "0"): 0.7, ("lsn", "1"): 0.3}


def scores():
    """Two folds of two patients; one DSC is undefined."""
    rows = []
    for number, (method, subset) in enumerate(
        [
            ("itk_snap", "unseen"),
            ("unet", "unseen"),
            ("lsn", "unseen"),
            ("lsn", "heldout"),
            ("itk_snap_blind", "unseen"),
        ]
    ):
        for case in range(4):
            dsc = math.nan if (number, case) == (2, 3) else 1 / (3 + number + case)
            fold = case // 2
            row = {"method": method, "fold": fold, "case": case, "subset": subset, "dsc": dsc}
            rows.append(row | {"overlap_voxels": 10 * case + number, "hd95_mm": math.nan})
    return pd.DataFrame(rows)


@pytest.fixture
def results(tmp_path):
    """Results as the workflow's own code writes them; fold 1 of the LSN failed to train."""
    table, every = scores(), tmp_path / "scores.csv"
    table.to_csv(every, index=False)
    for (method, fold), part in table.groupby(["method", "fold"]):
        path = tmp_path / f"scores/{method}-{fold}.csv"
        path.parent.mkdir(exist_ok=True)
        part.to_csv(path, index=False)
    verdicts = []
    for (method, fold), dsc in HELDOUT.items():
        path = tmp_path / f"networks/{method}/{fold}/curves.csv"
        path.parent.mkdir(parents=True)
        curves = [[1, 0.9, 0.9, 0.1], [2, 0.5, 0.6, dsc]]
        header = ["epoch", "train_loss", "heldout_loss", "heldout_dsc"]
        pd.DataFrame(curves, columns=header).to_csv(path, index=False)
        failed = dsc < 0.5
        row = {"method": method, "fold": fold, "failed": failed, "reason": "low" if failed else ""}
        verdicts.append(row | {"heldout_dsc": dsc})
    pd.DataFrame(verdicts).to_csv(tmp_path / "verdicts.csv", index=False)
    methods = PAPER
    (tmp_path / "methods.json").write_text(json.dumps(to_json(methods)))
    table1(pd.read_csv(every), methods, [1]).to_csv(tmp_path / "table1.csv", index=False)
    extended = extended_table(pd.read_csv(every), methods, [1])
    extended.to_csv(tmp_path / "extended.csv", index=False)
    return Results(tmp_path, "results/x", CONFIG)


def found(results):
    return [(f.path, f.message) for f in check_numbers(results).findings]


def test_what_the_workflow_writes_holds(results):
    checked = check_numbers(results)
    assert checked.findings == ()
    # Four rows (0, 1, avg, avg_without_1) of four columns in both tables; 20 scores of 7 columns.
    counts = {"verdicts": 4, "gathered_scores": 20 * 7, "table1_cells": 16, "extended_cells": 16}
    assert checked.counts == counts


@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("column", ["itk_snap", "unet", "lsn_test", "lsn_validation"])
def test_every_cell_of_table_1(results, row, column, edit):
    name = ["0", "1", "avg", "avg_without_1"][row]
    value = float(results.rows("table1.csv")[row][column])
    edit(results, "table1.csv", row, column, repr(value + 1e-6))
    path, message = found(results)[0]
    assert path == "results/x/table1.csv"
    assert f"cell {column}, {name} is {value + 1e-6!r} there" in message
    assert "by scores.csv" in message


@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("column", ["itk_snap", "itk_snap_blind", "unet", "lsn"])
def test_every_cell_of_the_extended_table(results, row, column, edit):
    name = ["0", "1", "avg", "avg_without_1"][row]
    value = float(results.rows("extended.csv")[row][column])
    edit(results, "extended.csv", row, column, repr(value + 1e-6))
    path, message = found(results)[0]
    assert path == "results/x/extended.csv"
    assert f"cell {column}, {name} is {value + 1e-6!r} there" in message


def test_a_row_too_few_or_too_many(results):
    path = results.folder / "table1.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    assert "its rows are 0, 1, avg; they must be 0, 1, avg, avg_without_1" in found(results)[0][1]


@pytest.mark.parametrize("column", ["dsc", "overlap_voxels", "hd95_mm"])
def test_a_score_that_no_method_has(results, column, edit):
    edit(results, "scores.csv", 4, column, "0.5")
    broken = found(results)
    assert broken[0][0] == "results/x/scores.csv"
    assert f"unet 0 0 unseen: {column} is 0.5 there" in broken[0][1]
    assert "scores/unet-0.csv" in broken[0][1]
    assert (len(broken) > 1) == (column == "dsc")  # Table I no longer follows


def test_a_row_of_scores_that_is_gone_or_new(results, edit):
    edit(results, "scores.csv", 4, "case", "7")
    messages = [message for path, message in found(results) if path == "results/x/scores.csv"]
    assert any("unet 0 0 unseen" in message for message in messages)
    assert any("unet 0 7 unseen" in message for message in messages)


@pytest.fixture
def of_seeds(results):
    """The same results with a further seed, 4, of networks whose first is 1."""
    folder, trained = results.folder, ["unet", "lsn"]
    first = pd.read_csv(folder / "scores.csv")
    again = first[first["method"].isin(trained)].assign(dsc=lambda rows: rows["dsc"] / 2)
    for (method, fold), part in again.groupby(["method", "fold"]):
        part.to_csv(folder / f"scores/{method}-{fold}-4.csv", index=False)
    gather_seeds(first, trained, 1, [(4, again)]).to_csv(folder / "seeds.csv", index=False)
    return Results(folder, results.home, CONFIG | {"seed": 1, "seeds": [1, 4]})


def test_scores_of_every_seed_hold(of_seeds):
    checked = check_numbers(of_seeds)
    assert checked.findings == ()
    # 20 rows of the first seed, 12 of them networks', and one column more.
    assert checked.counts["gathered_scores"] == 20 * 7
    assert checked.counts["gathered_seeds"] == (20 + 12) * 8


def test_a_score_of_a_seed_that_no_file_has(of_seeds, edit):
    edit(of_seeds, "seeds.csv", -1, "dsc", "0.5")
    ((path, message),) = found(of_seeds)
    assert path == "results/x/seeds.csv"
    assert "lsn 1 3 heldout 4: dsc is 0.5 there" in message
    assert "scores/lsn-1-4.csv" in message


def test_a_seed_that_is_gone(of_seeds):
    (of_seeds.folder / "scores/lsn-1-4.csv").unlink()
    messages = [message for path, message in found(of_seeds) if path == "results/x/seeds.csv"]
    assert "lsn 1 3 heldout 4 is missing in scores/" in messages


def test_scores_of_a_seed_that_nobody_asked_for(of_seeds):
    one = Results(of_seeds.folder, of_seeds.home, of_seeds.config | {"seeds": [1, 4, 5]})
    messages = [message for path, message in found(one) if path == "results/x/seeds.csv"]
    assert "unet 0 0 unseen 5 is missing in scores/" in messages
    of_snap = pd.read_csv(of_seeds.folder / "scores/itk_snap-0.csv")
    of_snap.to_csv(of_seeds.folder / "scores/itk_snap-0-4.csv", index=False)
    assert any("is of no method or case with seeds" in message for _, message in found(of_seeds))


@pytest.mark.parametrize(
    ("column", "value"), [("failed", "False"), ("heldout_dsc", "0.31"), ("reason", "")]
)
def test_a_verdict_that_the_curves_do_not_give(results, column, value, edit):
    edit(results, "verdicts.csv", 3, column, value)
    broken = [path for path, _ in found(results)]
    assert broken[0] == "results/x/verdicts.csv"
    # A run that did not fail is part of every average.
    assert ("results/x/table1.csv" in broken) == (column == "failed")


@pytest.mark.parametrize("loss", ["", "inf"])
def test_a_loss_that_is_not_finite_is_a_failure(results, loss, edit):
    edit(results, "networks/unet/0/curves.csv", 1, "train_loss", loss)
    ((path, message),) = found(results)
    assert (path, "unet 0: failed is False there" in message) == ("results/x/verdicts.csv", True)


def test_nothing_follows_from_a_file_that_is_known_to_be_broken(results, edit):
    edit(results, "scores.csv", 4, "dsc", "0.5")
    distrusting = Results(results.folder, results.home, CONFIG, {"results/x/scores.csv"})
    assert {path for path, _ in found(distrusting)} == {"results/x/scores.csv"}


def test_what_is_not_here_is_unchecked(results):
    (results.folder / "verdicts.csv").unlink()
    findings = check_numbers(results).findings
    assert {(f.severity, f.kind) for f in findings} == {(Severity.unchecked, FindingKind.number)}
    names = ("verdicts.csv", "table1.csv", "extended.csv")
    assert {f.path for f in findings} == {f"results/x/{name}" for name in names}


@pytest.mark.parametrize("text", ["", "fold\n0\n", "\x00", "fold,itk_snap\n0,x\n"])
def test_a_table_that_is_no_table(results, text):
    (results.folder / "table1.csv").write_text(text)
    assert "results/x/table1.csv" in {path for path, _ in found(results)}


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("0.5", 0.5 + 1e-12, True),
        ("0.5", 0.5 + 1e-6, False),
        ("", math.nan, True),
        ("nan", math.nan, False),
        ("", 0.0, False),
        ("0.5", math.nan, False),
        ("half", 0.5, False),
    ],
)
def test_same(text, value, expected):
    assert same(text, value) == expected
