"""An audit as people read it."""

import io

import pytest
from rich.console import Console

from upwind.audit.findings import Checked, FindingKind, broken, unchecked, warning
from upwind.audit.view import view
from upwind.audit.whole import Audit

COUNTS = {"records": 3, "files": 7, "bytes": 2_000_000, "links": 4, "table1_cells": 24}


@pytest.fixture
def shown(tmp_path):
    """The lines that people see of these findings."""

    def show(*findings, deep=False, **counts):
        audit = Audit(tmp_path, Checked(findings, COUNTS | counts), deep, 1.25)
        console = Console(file=io.StringIO(), width=200, color_system=None)
        console.print(view(audit))
        return [line.rstrip() for line in console.file.getvalue().splitlines()]

    return show


def row(lines, title):
    """The verdict of a row of the overview."""
    return next(line.split()[-1] for line in lines if line.startswith(title))


def test_short_where_all_holds(shown, tmp_path):
    lines = shown()
    assert len(lines) == 16
    assert "A seal does not prove who wrote a record" in " ".join(lines[-3:-1])
    assert lines[-1] == f"{tmp_path} holds. 1.2 s."
    assert "3 records" in lines[2]
    assert "7 files, 2 MB" in lines[3]
    assert row(lines, "files are what") == "yes"
    assert row(lines, "parameters") == "checked"  # not checked
    assert row(lines, "weights, figures") == "checked"  # never
    assert row(lines, "hosts, processors and times") == "checked"
    assert row(lines, "who vouches") == "checked"


def test_what_is_broken_is_told_with_reason_remedy_and_what_falls_with_it(shown):
    affects = ["results/x/a/b/deep.csv", "results/x/scores.csv", "results/x/table1.csv"]
    lines = shown(broken(FindingKind.changed, "results/x/slices/0", "why", "what to do", affects))
    assert row(lines, "files are what") == "broken"
    assert row(lines, "every job") == "yes"
    start = lines.index("Broken")
    assert lines[start + 1 : start + 5] == [
        "  results/x/slices/0: changed file",
        "    why",
        "    with it fall table1.csv, scores.csv, deep.csv",
        "    → what to do",
    ]
    assert lines[-1].endswith("does not hold: 1 broken. 1.2 s.")


def test_warnings_and_what_was_not_checked_stand_apart(shown):
    lines = shown(
        warning(FindingKind.uncommitted, "git", "dirty", "commit"),
        unchecked(FindingKind.raw_data, "data", "not here", "elsewhere"),
    )
    assert lines.index("Warnings") < lines.index("Not checked")
    assert "holds (1 warning, 1 not checked)" in lines[-1]
    assert "broken" not in " ".join(lines)


def test_a_row_says_yes_only_for_all_that_it_is_about(shown):
    lines = shown(unchecked(FindingKind.raw_data, "data", "not here", "elsewhere"))
    assert row(lines, "files are what") == "part"  # in part
    assert row(lines, "jobs read") == "yes"
    assert row(lines, "weights are what") == "checked"  # not checked: no state is here
    assert row(shown(finished_trainings=6), "weights are what") == "yes"


def test_who_signed_stands_in_its_row(tmp_path):
    console = Console(file=io.StringIO(), width=200, color_system=None)
    by = "alice@example.org, before 2026-01-01 00:00 UTC"
    console.print(view(Audit(tmp_path, Checked(counts=COUNTS), False, 1.25, by)))
    lines = console.file.getvalue().splitlines()
    (line,) = [line.split() for line in lines if line.startswith("who vouches")]
    assert line[-6:] == [*by.split(), "yes"]
    assert "does not prove" not in " ".join(lines)


def test_of_many_alike_some_are_shown_and_the_rest_counted(shown):
    lines = shown(*(broken(FindingKind.unexplained, f"file-{n}", "why", "what") for n in range(12)))
    assert sum("file-" in line for line in lines) == 5
    assert "  unexplained file: 7 more, which --json lists" in lines
    assert "12 broken" in lines[-1]


@pytest.mark.parametrize(
    ("path", "deep", "rows"),
    [
        ("results/x/table1.csv", True, ["numbers follow"]),
        ("results/x/scores.csv", False, ["numbers follow"]),
        ("results/x/scores.csv", True, ["scores follow"]),
        ("results/x/slices/case-1.safetensors", True, ["scores follow"]),
    ],
)
def test_a_number_stands_in_the_row_that_it_is_about(shown, path, deep, rows):
    lines = shown(broken(FindingKind.number, path, "why", "what"), deep=deep, scores=8)
    titles = ("numbers follow", "scores follow")
    assert [title for title in titles if row(lines, title) == "broken"] == rows


def test_a_name_that_could_steer_the_terminal(shown):
    lines = "".join(shown(broken(FindingKind.unexplained, "a\x1b[2J", "b\x1b[1A", "c", ["d\x1b"])))
    assert "\x1b" not in lines
    assert r"a\x1b[2J" in lines
