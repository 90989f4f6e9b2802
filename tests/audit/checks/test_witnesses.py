"""Records that were written anew, sealed: what says something else than they do."""

import subprocess
from dataclasses import replace

import pytest

from upwind.audit.checks.checkout import Checkout, fingerprints
from upwind.audit.checks.witnesses import check_listed, check_witnesses, rules_of
from upwind.audit.findings import FindingKind, Severity
from upwind.audit.provenance_graph import load
from upwind.provenance.fingerprint import source_fingerprint
from upwind.provenance.records import read_record, write_record
from upwind.results import Result, ResultList

RULES = "rule train:\n    output: 'x'\n\nif True:\n\n    checkpoint make:\n        output: 'y'\n\n"
RULES += "use rule train as train_variant with:\n    output: 'z'\n# rule none:\n"
OTHERS = "".join(f"rule {rule}:\n" for rule in ("write_config", "collect", "slice", "segment"))
OTHERS += "rule score:\nrule tabulate:\n"
MODULE = "workflow/scripts/train.py"


@pytest.fixture
def checkout(project):
    """A repository around the hand-made experiment, whose workflow has all its rules."""
    project.write("workflow/Snakefile", "include: 'rules/all.smk'\n")
    project.write("workflow/rules/all.smk", RULES + OTHERS)
    project.write(MODULE, "seed = 0\n")
    return Checkout(project.root / "src/upwind", project.root)


def found(project, checkout, severity=Severity.broken):
    run = load(project.results)
    now = fingerprints(run, checkout)
    findings = check_witnesses(run, set(run.records), checkout, now, own=True).findings
    return [finding for finding in findings if finding.severity is severity]


def reseal(project, rule, **fields):
    path = project.record(rule)
    write_record(path, replace(read_record(path), **fields))


def test_all_is_well(project, checkout):
    assert found(project, checkout) == []


def test_rules_are_read_as_text(project, checkout):
    assert rules_of(project.root) == {
        *("train", "make", "train_variant", "write_config", "collect"),
        *("slice", "segment", "score", "tabulate"),
    }


def test_a_record_of_a_rule_that_does_not_exist(project, checkout):
    project.job("invent", outputs={"results/x/more.csv": "1"})
    (finding,) = found(project, checkout)
    assert (finding.kind, finding.path) == (FindingKind.record, "results/x/records/invent/job.json")
    assert finding.message == "the workflow has no rule invent"
    assert finding.affects == ("results/x/more.csv",)


def test_a_result_that_was_removed_with_its_record(project):
    listed = ResultList([Result("table1.csv"), Result("cases.csv"), Result("gone.png")]).as_json()
    reseal(project, "write_config", params={"results": listed})
    run = load(project.results)
    (finding,) = check_listed(run, set(run.records)).findings
    assert (finding.kind, finding.path) == (FindingKind.missing_record, "results/x/gone.png")


@pytest.mark.parametrize(
    ("rule", "path", "text", "params", "wrong"),
    [
        ("write_config", "config.yaml", "a: 1\n", {"config": {"a": 2}}, "config"),
        ("write_config", "results.json", "{}", {"results": {"files": []}}, "results"),
        ("describe_methods", "methods.json", '{"methods": []}', {"methods": {}}, "methods"),
        # Who reads a name that is written twice takes one value or the other.
        ("describe_methods", "methods.json", '{"a": 1, "a": 1}', {"methods": {"a": 1}}, "methods"),
        ("write_config", "config.yaml", "a: 1\n", {"config": {"a": 1}}, None),
        ("write_config", "other.yaml", "a: 1\n", {"config": {"a": 2}}, None),
    ],
)
def test_files_that_keep_what_a_job_was_told(project, checkout, rule, path, text, params, wrong):
    project.write("workflow/rules/more.smk", "rule describe_methods:\n")
    project.job(rule, outputs={f"results/x/{path}": text}, params=params)
    findings = [(f.path, f.message) for f in found(project, checkout)]
    message = f"it does not hold the parameter {wrong!r} of its job"
    assert findings == ([(f"results/x/{path}", message)] if wrong else [])


def git(project, *arguments):
    command = ["git", "-C", str(project.root), "-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def committed(project, checkout):
    """The repository under git, and a job that ran from its commit."""
    git(project, "init", "-q")
    git(project, "add", "workflow")
    git(project, "commit", "-q", "-m", "first")
    commit = {"commit": git(project, "rev-parse", "HEAD"), "dirty": False}
    reseal(project, "train", git=commit, code={"train.py": source_fingerprint("seed = 0\n")})
    return commit


def test_the_code_of_a_record_against_its_commit(project, checkout, committed):
    assert found(project, checkout) == []
    reseal(project, "train", code={"train.py": source_fingerprint("seed = 1\n")})
    (finding,) = found(project, checkout)
    assert finding.path == "results/x/records/train/job.json"
    assert finding.message.endswith(f"not that of its commit {committed['commit'][:7]}: train.py")
    # What was edited since is not what the commit has.
    project.write(MODULE, "seed = 1\n")
    assert len(found(project, checkout)) == 1
    reseal(project, "train", git=committed | {"dirty": True})
    assert found(project, checkout) == []


def test_a_commit_that_is_not_there(project, checkout, committed):
    reseal(project, "train", git={"commit": "d" * 40, "dirty": False})
    warned = found(project, checkout, Severity.warning)
    assert [f.message for f in warned if "ddddddd" in f.message] == [
        "train ran at the commit ddddddd, which is not in git here"
    ]
    assert found(project, checkout) == []


def test_git_is_not_asked_in_a_repository_of_somebody_else(project, checkout, committed):
    reseal(project, "train", code={"train.py": "0" * 64})
    run = load(project.results)
    now = fingerprints(run, checkout)
    assert check_witnesses(run, set(run.records), checkout, now, own=False).findings == ()
