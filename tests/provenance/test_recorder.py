"""The record of a job, made while it runs."""

import hashlib
from pathlib import Path

import pytest

from upwind.common.files import write_text
from upwind.provenance.recorder import Job, recorded, script_version
from upwind.provenance.records import read_record, record_path

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text("script.py", "from upwind.tables.published import published_table1\n")
    write_text("results/x/scores.csv", "case,dsc\n0,0.9\n")
    return Job(
        folder="results/x",
        rule="tabulate",
        wildcards={"fold": "0"},
        inputs=["results/x/scores.csv"],
        outputs=["results/x/table1.csv", "results/x/folder"],
        logs=["results/x/logs/tabulate.log"],
        params={"failed_below": 0.5},
        script=Path("script.py"),
        checkout=str(REPOSITORY),
        threads=2,
    )


def written(job):
    return read_record(record_path(job.folder, job.rule, job.wildcards))


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_what_it_read_and_wrote(job):
    with recorded(job):
        write_text("results/x/table1.csv", "fold,dsc\n")
        write_text("results/x/folder/a.txt", "a")
        write_text("results/x/logs/tabulate.log", "done")
    record = written(job)
    assert {p: s.sha256 for p, s in record.inputs.items()} == {
        "results/x/scores.csv": sha256("case,dsc\n0,0.9\n")
    }
    assert {p: s.sha256 for p, s in record.outputs.items()} == {
        "results/x/table1.csv": sha256("fold,dsc\n"),
        "results/x/folder/a.txt": sha256("a"),
    }
    assert record.logs["results/x/logs/tabulate.log"].bytes == 4
    assert record.declared == ["results/x/folder", "results/x/table1.csv"]
    assert (record.params, record.threads, record.status) == ({"failed_below": 0.5}, 2, "ok")
    assert record.started <= record.ended
    assert record.machine["host"]
    assert record.machine["python"]


def test_inputs_are_those_before_the_job(job):
    with recorded(job):
        write_text("results/x/scores.csv", "changed meanwhile")
    assert written(job).inputs["results/x/scores.csv"].sha256 == sha256("case,dsc\n0,0.9\n")


def test_code_is_the_script_and_what_it_reaches(job):
    with recorded(job):
        pass
    code = written(job).code
    assert {"script.py", "upwind.tables.published", "upwind.tables", "upwind"} <= set(code)
    assert "upwind.training.loss" not in code


def test_a_clock_that_is_set_back_during_a_job_leaves_a_record_that_can_be_read(job, monkeypatch):
    moments = iter(["2026-01-01T12:00:00.000+00:00", "2026-01-01T11:00:00.000+00:00"])
    monkeypatch.setattr("upwind.provenance.recorder._now", lambda: next(moments))
    with recorded(job):
        write_text("results/x/table1.csv", "fold,dsc\n")
    record = written(job)
    assert record.started > record.ended
    assert 0 <= record.seconds < 60


def test_a_failed_job_leaves_a_record_of_its_failure(job):
    with pytest.raises(RuntimeError, match="no"), recorded(job):
        raise RuntimeError("no")
    assert written(job).status == "failed: RuntimeError"


def test_a_script_has_one_version_whatever_its_comments(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from upwind.tables.published import published_table1\nprint(1)\n")
    version = script_version(script)
    script.write_text("# why\nfrom upwind.tables.published import published_table1\n\nprint( 1 )\n")
    assert script_version(script) == version
    script.write_text("from upwind.tables.published import published_table1\nprint(2)\n")
    assert script_version(script) != version
