"""Dates of files that were copied."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from upwind.common.files import write_text
from upwind.provenance.dates import restore_dates
from upwind.provenance.hashing import TIMESTAMP
from upwind.provenance.recorder import Job, recorded
from upwind.provenance.records import read_record, records_below, write_record

RAW, SLICES, FOLDER = "data/volume-0.nii", "results/x/slices/case-0.txt", "results/x/networks/0"
FILES = (RAW, SLICES, f"{FOLDER}/weights.txt", f"{FOLDER}/{TIMESTAMP}")


def make(inputs, output):
    job = Job(
        folder="results/x",
        rule="rule",
        wildcards={"case": Path(output).name},
        inputs=inputs,
        outputs=[output],
        logs=[],
        params={},
        script=None,
        checkout=".",
    )
    with recorded(job):
        write_text(output if output == SLICES else f"{output}/weights.txt", output)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A finished run whose files all have the dates of a copy, the first made last."""
    monkeypatch.chdir(tmp_path)
    write_text(RAW, "raw")
    os.utime(RAW, (1e9, 1e9))
    make([RAW], SLICES)
    make([SLICES], FOLDER)
    Path(FOLDER, TIMESTAMP).touch()
    before = dates()
    for later, path in enumerate(reversed(FILES)):
        os.utime(path, (time.time() + 60 + later,) * 2)
    return before


def dates():
    return {path: Path(path).stat().st_mtime_ns for path in FILES}


def test_files_that_hold_what_was_recorded_get_their_dates_back(copied):
    assert restore_dates(records_below(["results/x"])) == len(FILES)
    after = dates()
    assert {path: after[path] for path in FILES[:3]} == {path: copied[path] for path in FILES[:3]}
    assert after[FILES[2]] <= after[FILES[3]] <= copied[FILES[3]]
    assert restore_dates(records_below(["results/x"])) == 0


def test_dates_that_are_still_to_come_become_now(copied):
    """Of a machine whose clock went ahead while the run was made, or was set back since."""
    ahead = 3600 * 10**9
    for file in Path("results/x/records").rglob("*.json"):
        record = read_record(file)
        sides = {
            side: {
                path: replace(state, mtime_ns=state.mtime_ns + ahead)
                for path, state in getattr(record, side).items()
            }
            for side in ("inputs", "outputs")
        }
        write_record(file, replace(record, **sides))
    for path, date in copied.items():
        os.utime(path, ns=(date + ahead,) * 2)
    start = time.time_ns()
    # What was read from before is as old as it says.
    assert restore_dates(records_below(["results/x"])) == len(FILES) - 1
    assert dates()[RAW] == copied[RAW] + ahead
    made = {dates()[path] for path in FILES[1:]}
    assert len(made) == 1
    assert start <= made.pop() <= time.time_ns()
    assert restore_dates(records_below(["results/x"])) == 0


@pytest.mark.parametrize("text", ["rax", "longer than before"])
def test_a_file_with_another_content_keeps_its_date(copied, text):
    Path(RAW).write_text(text)
    date = Path(RAW).stat().st_mtime_ns
    assert restore_dates(records_below(["results/x"])) == len(FILES) - 1
    assert Path(RAW).stat().st_mtime_ns == date


def test_no_results_and_files_that_are_gone(copied, tmp_path):
    assert restore_dates(records_below([tmp_path / "none"])) == 0
    Path(RAW).unlink()
    assert restore_dates(records_below(["results/x"])) == len(FILES) - 1
