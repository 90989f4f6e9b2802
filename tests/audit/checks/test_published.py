"""Tables as people read them, written again."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from upwind.audit.checks.published import check_published
from upwind.audit.findings import FindingKind, Severity
from upwind.audit.provenance_graph import load
from upwind.common.pages import template_version
from upwind.methods import catalogue, to_json
from upwind.provenance.fingerprint import module_fingerprints, package_versions
from upwind.provenance.records import read_record, write_record
from upwind.tables.written import Sources, tables, texts

WRITER = "upwind.tables.written"
EFFORT = {"resamples": 100, "confidence": 0.95, "seed": 0}
METHODS = {key: catalogue()[key] for key in ("itk_snap", "unet", "lsn")}
KEYS = [("itk_snap", "unseen"), ("unet", "unseen"), ("lsn", "unseen"), ("lsn", "heldout")]
SCORES = pd.DataFrame(
    [
        {"method": method, "fold": case // 2, "case": case, "subset": subset, "dsc": 1 / (2 + case)}
        for method, subset in KEYS
        for case in range(4)
    ]
)
VERDICTS = pd.DataFrame({"method": ["unet"], "fold": ["0"], "failed": [False], "reason": [""]})
CASES = pd.DataFrame({"case": [0, 1, 2, 3], "usable": True})


@pytest.fixture
def run(project):
    """A project whose tables were written by the package."""
    files = {"scores.csv": SCORES, "verdicts.csv": VERDICTS, "cases.csv": CASES}
    for name, table in files.items():
        project.write(f"results/x/{name}", table.to_csv(index=False))
    project.write("results/x/methods.json", json.dumps(to_json(METHODS)))
    read = {name: pd.read_csv(project.results / name) for name in files}
    sources = Sources(
        *(read["scores.csv"], read["scores.csv"], read["verdicts.csv"], read["cases.csv"], []),
        *(METHODS, 0.5, "the data are others", EFFORT),
    )
    made = tables(sources)
    written = texts(sources, made) | {"table1.csv": made["table1"].to_csv(index=False)}
    project.job(
        "tabulate",
        [f"results/x/{name}" for name in (*files, "methods.json")],
        {f"results/x/{name}": text for name, text in written.items()},
        params={
            "failed_below": 0.5,
            "no_followup": "the data are others",
            "effort": EFFORT,
            "template": template_version("tables/page.html"),
        },
        code=module_fingerprints([WRITER]) | {"tabulate.py": "a" * 64},
        packages=package_versions([WRITER]),
    )
    return project


def check(project, distrusted=()):
    run = load(project.results)
    return check_published(run, set(run.records), distrusted)


def retold(project, **fields):
    path = project.record("tabulate")
    write_record(path, replace(read_record(path), **fields))


def test_what_the_workflow_wrote_is_written_again(run):
    checked = check(run)
    assert (checked.findings, checked.counts) == ((), {"written_tables": 5})


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("table1.md", " / 0.640", " / 0.604"),
        ("table1.tex", "unseen patients", "patients"),
        ("table1.html", "<td>0.417</td>", "<td>0.917</td>"),
        ("extended.md", "the data are others", "nobody asked"),
        ("extended.html", "<th>patients</th>", "<th>cases</th>"),
    ],
)
def test_a_number_or_a_word_that_was_changed(run, name, old, new):
    text = (run.results / name).read_text()
    assert old in text
    run.write(f"results/x/{name}", text.replace(old, new, 1))
    (finding,) = check(run).findings
    assert (finding.kind, finding.path) == (FindingKind.number, f"results/x/{name}")
    number = 1 + text[: text.index(old)].count("\n")
    assert finding.message.startswith(f"line {number} is ")
    assert "; written again it is " in finding.message


def test_a_line_that_was_taken_away(run):
    text = (run.results / "table1.md").read_text()
    run.write("results/x/table1.md", text.rstrip("\n").rpartition("\n")[0] + "\n")
    (finding,) = check(run).findings
    lines = text.count("\n")
    assert finding.message == f"it has {lines - 1} lines; written again it has {lines}"


@pytest.mark.parametrize(
    "other",
    [
        {"code": {"upwind.tables.table1": "0" * 64}},
        {"packages": {"pandas": "1.0"}},
        {"params": {"template": "0" * 64}},
    ],
)
def test_what_other_code_wrote_is_not_checked(run, other):
    (name, changed), *_ = other.items()
    retold(run, **{name: getattr(read_record(run.record("tabulate")), name) | changed})
    (finding,) = check(run).findings
    assert (finding.severity, finding.kind) == (Severity.unchecked, FindingKind.number)


@pytest.mark.parametrize(
    "params",
    [
        {"effort": None},
        {"effort": {"resamples": 10**12, "confidence": 0.95, "seed": 0}},
        {"no_followup": 7},
    ],
)
def test_parameters_that_cannot_be(run, params):
    retold(run, params=read_record(run.record("tabulate")).params | params)
    paths = {finding.path for finding in check(run).findings}
    assert paths <= {f"results/x/{n}" for n in ("table1.md", "extended.md", "extended.html")}
    assert paths


@pytest.mark.parametrize("name", ["scores.csv", "table1.md"])
def test_nothing_follows_from_what_is_known_to_be_broken(run, name):
    run.write(f"results/x/{name}", "nothing\n")
    assert check(run, {f"results/x/{name}"}).findings == ()


def test_a_source_that_cannot_be_read(run):
    run.write("results/x/methods.json", "{}")
    (finding,) = check(run).findings
    assert finding.message.startswith("it cannot be written again: ")
