"""Folders that jobs wrote as a whole."""

from dataclasses import replace

from upwind.audit.checks.folders import check_folders
from upwind.audit.findings import FindingKind
from upwind.audit.provenance_graph import load
from upwind.provenance.records import read_record, write_record

FOLDER = "results/x/segmentations/unet/0"
PLANTED = f"{FOLDER}/segmentation-99.nii"


def check(project):
    run = load(project.results)
    return check_folders(run, set(run.records))


def plant(project, rule, side):
    """Let a record name one file more."""
    project.write(PLANTED, "mask 99")
    path = project.record(rule)
    record = read_record(path)
    files = getattr(record, side) | project.states([PLANTED])
    write_record(path, replace(record, **{side: files}))


def test_all_is_well(project):
    checked = check(project)
    assert (checked.findings, checked.counts) == ((), {"folders": 1})


def test_a_file_that_its_maker_alone_names(project):
    plant(project, "segment", "outputs")
    (finding,) = check(project).findings
    assert (finding.kind, finding.path) == (FindingKind.link, FOLDER)
    assert finding.message == f"segment and score do not name the same files in it: {PLANTED}"
    assert "results/x/table1.csv" in finding.affects


def test_a_file_that_its_reader_alone_names(project):
    plant(project, "score", "inputs")
    assert [finding.path for finding in check(project).findings] == [FOLDER]


def test_a_file_that_both_name(project):
    """Records alone cannot tell; that no score is of it can (recomputed/test_gathered.py)."""
    plant(project, "segment", "outputs")
    plant(project, "score", "inputs")
    assert check(project).findings == ()


def test_a_file_that_is_read_by_itself(project):
    """No folder is written as a whole: who reads one file reads no others."""
    project.job("more", outputs={"results/x/a.csv": "a", "results/x/b.csv": "b"})
    project.job("read", ["results/x/a.csv"], {"results/x/c.csv": "c"})
    assert check(project).findings == ()
