"""Records and distrust in a small workflow of Snakemake's, run in this process."""

import hashlib
import sys
from pathlib import Path

import pytest
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import DAGSettings, OutputSettings, ResourceSettings

from upwind.provenance.hashing import TIMESTAMP
from upwind.provenance.records import read_record
from upwind.provenance.workflow import distrust, record_rules

SNAKEFILE = """
rule all:
    input:
        "results/x/table-0.csv",

rule assign:
    output:
        "results/x/folds.csv",
    script:
        "make.py"

rule slice:
    input:
        "raw.txt",
    output:
        directory("results/x/slices"),
    script:
        "make.py"

rule tabulate:
    input:
        "results/x/slices",
        ancient("results/x/folds.csv"),
    output:
        "results/x/table-{fold}.csv",
    log:
        "results/x/logs/tabulate-{fold}.log",
    params:
        failed_below=0.5,
    threads: 2
    script:
        "make.py"
"""
SCRIPT = """
from pathlib import Path

path = Path(snakemake.output[0])
if snakemake.rule == "slice":
    path.mkdir()
    path = path / "case-0.txt"
path.write_text(snakemake.rule)
for log in snakemake.log:
    Path(log).write_text("done")
"""
RECORDS = {"assign/job.json", "slice/job.json", "tabulate/fold=0.json"}


def reached_by(rule, wildcards):
    return ["upwind.networks.lsn"] if rule == "tabulate" and wildcards["fold"] == "0" else []


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs the workflow with records and distrust: the files that it makes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # to which Snakemake adds
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "make.py").write_text(SCRIPT)
    (tmp_path / "raw.txt").write_text("raw")

    def execute(executor="local", reached_by=reached_by):
        made = []
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            read = api.workflow(
                ResourceSettings(cores=2), snakefile=tmp_path / "Snakefile", workdir=tmp_path
            )
            record_rules(read._workflow, tmp_path, lambda outputs: "results/x", reached_by)
            distrust(read._workflow, [Path("results/x")])
            read.dag(DAGSettings()).execute_workflow(executor=executor, updated_files=made)
        return set(made)

    return execute


def record(name):
    return read_record(Path("results/x/records") / name)


def test_every_job_leaves_a_record(run):
    run()
    folder = Path("results/x/records")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.json")} == RECORDS
    job = record("tabulate/fold=0.json")
    assert (job.rule, job.wildcards, job.threads, job.status) == (
        "tabulate",
        {"fold": "0"},
        2,
        "ok",
    )
    assert set(job.inputs) == {"results/x/slices/case-0.txt", "results/x/folds.csv"}
    assert job.order_only == ["results/x/folds.csv"]
    assert set(job.outputs) == set(job.declared) == {"results/x/table-0.csv"}
    made = hashlib.sha256(b"tabulate").hexdigest()
    assert job.outputs["results/x/table-0.csv"].sha256 == made
    assert set(job.logs) == {"results/x/logs/tabulate-0.log"}
    assert set(job.params) == {"failed_below", "code"}
    assert job.params["failed_below"] == 0.5
    assert {"make.py", "upwind.networks.lsn"} <= set(job.code)


def test_what_snakemake_writes_into_a_folder_is_no_result(run):
    run()
    assert Path("results/x/slices", TIMESTAMP).is_file()
    job = record("slice/job.json")
    assert job.declared == ["results/x/slices"]
    assert set(job.outputs) == {"results/x/slices/case-0.txt"}


def test_a_finished_run_has_nothing_to_do(run):
    assert run() == {"results/x/folds.csv", "results/x/slices", "results/x/table-0.csv"}
    assert run("dryrun") == set()
    Path("make.py").write_text("# why\n" + SCRIPT)
    assert run("dryrun") == set()


def test_jobs_run_again_when_code_changes_that_they_reach(run):
    run()
    assert run("dryrun", lambda rule, wildcards: []) == {"results/x/table-0.csv"}
    Path("make.py").write_text(SCRIPT.replace('"done"', '"well done"'))
    assert run("dryrun") == {"results/x/folds.csv", "results/x/slices", "results/x/table-0.csv"}


def test_what_no_record_vouches_for_is_made_again_and_told(run, caplog):
    run()
    Path("results/x/slices/case-0.txt").write_text("edited")
    caplog.clear()
    assert run("dryrun") == {"results/x/slices", "results/x/table-0.csv"}
    told = [message for message in caplog.messages if " runs again: " in message]
    reason = "results/x/slices/case-0.txt was changed after its job had written it"
    assert told == [f"slice runs again: {reason}"]


def test_a_change_behind_an_ancient_input_is_not_overlooked(run):
    run()
    Path("results/x/folds.csv").write_text("edited")
    assert run("dryrun") == {"results/x/folds.csv"}
    Path("raw.txt").write_text("another")
    made = {"results/x/folds.csv", "results/x/slices", "results/x/table-0.csv"}
    assert run("dryrun") == made


def test_a_rule_without_a_script_is_refused(run):
    snakefile = Path("Snakefile")
    snakefile.write_text(
        snakefile.read_text().replace('script:\n        "make.py"', 'shell: "x"', 1)
    )
    with pytest.raises(ValueError, match="rule assign has no script"):
        run()
