"""What the command prints, and how it ends."""

import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from upwind.cli import app
from upwind.reproduction.table1 import Spread
from upwind.reproduction.view import to_json, view

TABLE = "fold,itk_snap,unet\n0,0.5,{}\navg,0.5,{}\n"


def upwind(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def printed(comparison, width, full=False):
    console = Console(width=width, record=True)
    with console.capture() as captured:
        console.print(view(comparison, full), highlight=False)
    return captured.get()


@pytest.fixture
def changed(runs):
    """One cell of Table I is other, by another seed of the tabulating job."""
    for run, cell in zip(runs, (0.75, 0.875), strict=True):
        run.write("table1.csv", TABLE.format(cell, 0.75))
    runs[1].edit("tabulate/job", params=lambda p: {**p, "seed": 1})
    return runs


def test_exit_codes(runs, tmp_path):
    done = upwind("compare", runs[0].results, runs[1].results)
    assert done.exit_code == 0
    assert done.stdout.startswith("Identical: 27 results.\n")
    runs[1].write("table1.csv", TABLE.format(1, 1))
    assert upwind("compare", runs[0].results, runs[1].results).exit_code == 1
    done = upwind("compare", runs[0].results, tmp_path / "nowhere")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_changed_cell_is_told_with_its_cause(changed, compared):
    text = printed(compared(), 100)
    first, _ = text.split("\n\n", 1)
    assert " ".join(first.split()) == (
        "Different: 1 of 27 results differ; 1 of 4 cells of Table I differ, by 0.1250 at most "
        "(unet, fold 0), the spread over seeds is not known."
    )
    assert "unet, fold 0   0.750000   0.875000       +0.125           not known" in text
    assert "table1.csv: 1 of 4 cells differ, the largest difference 0.125 (unet of 0)" in text
    assert "seeds  seed 0 → 1" not in text  # it had none
    assert "seeds  seed none → 1 (tabulate)" in text
    assert "same   settings, data, code, packages, processor, threads" in text


def test_beside_the_spread(changed, compared):
    text = printed(compared(spread={("unet", "0"): Spread(0.25, (0, 1, 2))}), 100)
    assert text.startswith("The same within the spread: 1 of 27 results differ; 1 of 4 cells")
    assert "0.2500 (seeds 0, 1, 2)" in text
    assert "0 of them by more than the spread over seeds" in text


def test_full_lists_each_cell(changed, compared):
    assert "unet of 0: 0.75 → 0.875, by 0.125" in printed(compared(), 100, full=True)


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(changed, compared, width):
    assert max(map(len, printed(compared(), width).splitlines())) <= width


def test_json(changed, compared):
    content = json.loads(to_json(compared(spread={("unet", "0"): Spread(0.25, (0, 1))})))
    assert content["verdict"] == "the same within the spread"
    assert content["table1"][1] == {
        "column": "unet", "row": "0", "first": "0.75", "second": "0.875", "size": 0.125,
        "spread": 0.25, "seeds": [0, 1],
    }  # fmt: skip
    (file,) = [file for file in content["files"] if file["outcome"] == "differs"]
    assert file == {
        "path": "table1.csv",
        "outcome": "differs",
        "summary": "1 of 4 cells differ, the largest difference 0.125 (unet of 0)",
        "parts": [{"name": "unet of 0", "first": "0.75", "second": "0.875", "size": 0.125}],
        "causes": [{"factor": "seeds", "what": "seed none → 1", "jobs": ["tabulate"]}],
    }
    assert content["between"] == {}


def test_names_in_a_run_do_not_move_the_terminal(runs, compared):
    (runs[1].results / "\x1b[2Jgone.txt").write_text("x")
    text = printed(compared(), 100)
    assert "\x1b[2J" not in text
    assert "�[2Jgone.txt: only in the second" in text
