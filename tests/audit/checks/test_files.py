"""Files against records: everything that was changed, taken away, added or swapped is named."""

import os
import shutil
from dataclasses import replace

import pytest

from upwind.audit.checks.files import check_files
from upwind.audit.checks.integrity import hashed
from upwind.audit.findings import FindingKind, Severity
from upwind.audit.provenance_graph import load
from upwind.provenance.records import read_record, write_record

SLICES, WEIGHTS = "results/x/slices/case-0.st", "results/x/networks/unet/0/weights.st"
MASKS, SCORES = "results/x/segmentations/unet/0", "results/x/scores.csv"
TABLE, CONFIG = "results/x/table1.csv", "results/x/config.yaml"
VOLUME, LABEL = "data/made/volume-0.nii", "raw/labels/segmentation-0.nii"


def found(project, **options):
    """What is broken, as (kind, path)."""
    findings = check_files(load(project.results), **options).findings
    return {(f.kind, f.path) for f in findings if f.severity is Severity.broken}


def apart(project, **options):
    findings = check_files(load(project.results), **options).findings
    return {(f.severity, f.kind, f.path) for f in findings if f.severity is not Severity.broken}


def test_all_is_well(project):
    checked = check_files(load(project.results))
    assert checked.findings == ()
    # 10 results and data, 8 logs, 8 records, Snakemake's mark.
    assert checked.counts["records"] == 8
    assert checked.counts["files"] == 26
    # Of slice (3, one of which only had to be there), train, segment, score, tabulate.
    assert checked.counts["links"] == 2 + 1 + 2 + 3 + 1


@pytest.mark.parametrize(
    "path", [VOLUME, LABEL, SLICES, f"{MASKS}/segmentation-1.nii", CONFIG, TABLE]
)
def test_a_changed_byte_is_named_although_size_and_date_are_the_same(project, path):
    file = project.root / path
    status, text = file.stat(), file.read_text()
    file.write_text(("X" if text[0] != "X" else "Y") + text[1:])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert found(project) == {(FindingKind.changed, path)}


def test_what_was_made_from_a_changed_file_falls_with_it(project):
    (project.root / SLICES).write_text("other slices")
    (finding,) = check_files(load(project.results)).findings
    masks = [f"{MASKS}/segmentation-{case}.nii" for case in (0, 1)]
    assert finding.affects == tuple(sorted([WEIGHTS, *masks, SCORES, TABLE]))


def test_a_missing_file(project):
    (project.root / WEIGHTS).unlink()
    assert found(project) == {(FindingKind.missing, WEIGHTS)}


def test_raw_data_that_are_elsewhere_cannot_be_checked(project):
    shutil.rmtree(project.root / "raw")
    assert found(project) == set()
    assert apart(project) == {(Severity.unchecked, FindingKind.raw_data, "raw/labels")}


def test_a_raw_file_that_is_gone_from_among_others_is_missing(project):
    (project.root / LABEL).unlink()
    assert found(project) == {(FindingKind.missing, LABEL)}


def test_swapped_files_tell_of_each_other(project):
    one, other = (project.root / MASKS / f"segmentation-{case}.nii" for case in (0, 1))
    kept = one.read_text()
    one.write_text(other.read_text())
    other.write_text(kept)
    findings = check_files(load(project.results)).findings
    paths = [f"{MASKS}/segmentation-{case}.nii" for case in (0, 1)]
    assert [f.path for f in findings] == paths
    assert f"it has the content of {paths[1]}" in findings[0].message


@pytest.mark.parametrize(
    "path",
    [
        "results/x/notes.txt",
        f"{MASKS}/segmentation-2.nii",
        "results/x/logs/train/extra.log",
        "results/x/records/train/notes.txt",
        "data/made/volume-1.nii",
        "results/x/slices/.snakemake_timestamp",
        "results/x/.gitignore",
    ],
)
def test_a_file_that_nothing_explains(project, path):
    project.write(path, "")
    assert found(project) == {(FindingKind.unexplained, path)}


def test_a_link_that_leads_nowhere_is_a_file_too(project):
    (project.results / "link").symlink_to("nowhere")
    assert found(project) == {(FindingKind.unexplained, "results/x/link")}


def test_snakemakes_mark_must_be_empty_and_there(project):
    mark = f"{MASKS}/.snakemake_timestamp"
    (project.root / mark).write_text("x")
    assert found(project) == {(FindingKind.unexplained, mark)}
    (project.root / mark).unlink()
    assert found(project) == set()
    assert apart(project) == {(Severity.warning, FindingKind.missing, mark)}


def test_what_dvc_writes_beside_its_pointer_is_explained(project):
    project.job("track", [SLICES], {"results/x/slices.dvc": "outs:\n"})
    project.write("results/x/.gitignore", "/slices\n")
    assert found(project) == set()
    project.write("results/x/.gitignore", "/slices\n/more\n")
    assert found(project) == {(FindingKind.unexplained, "results/x/.gitignore")}


def test_a_record_that_was_taken_away(project):
    project.record("score").unlink()
    assert found(project) == {
        (FindingKind.unexplained, SCORES),
        (FindingKind.unexplained, "results/x/logs/score.log"),
    }


def test_a_record_that_was_taken_away_with_its_file(project):
    project.record("train").unlink()
    (project.root / WEIGHTS).unlink()
    assert (FindingKind.link, WEIGHTS) in found(project)


def test_the_records_of_made_data_are_gone(project):
    shutil.rmtree(project.root / "data/made/records")
    assert found(project) == {(FindingKind.unexplained, "results/x/logs/make.log")}


@pytest.mark.parametrize(("old", "new"), [('"seed": 0', '"seed": 1'), ("ok", "OK")])
def test_an_altered_record_is_named_and_what_it_vouched_for_falls(project, old, new):
    path = project.record("train")
    path.write_text(path.read_text().replace(old, new))
    (finding,) = check_files(load(project.results)).findings
    assert (finding.kind, finding.path) == (FindingKind.record, "results/x/records/train/job.json")
    assert {WEIGHTS, TABLE} < set(finding.affects)


def test_a_record_that_cannot_be_read(project):
    project.record("train").write_bytes(b"\xff{")
    assert found(project) == {
        (FindingKind.record, "results/x/records/train/job.json"),
        (FindingKind.unexplained, WEIGHTS),
        (FindingKind.unexplained, "results/x/logs/train.log"),
    }


def test_a_record_in_the_place_of_another(project):
    shutil.copy(project.record("train"), project.record("score"))
    assert found(project) == {
        (FindingKind.record, "results/x/records/score/job.json"),
        (FindingKind.unexplained, SCORES),
        (FindingKind.unexplained, "results/x/logs/score.log"),
    }


def test_a_record_of_another_experiment(project):
    project.job("train", [SLICES], {"results/y/weights.st": "w"})
    assert (FindingKind.record, "results/x/records/train/job.json") in found(project)


def test_two_records_for_one_file(project):
    text = (project.root / TABLE).read_text()
    project.job("tabulate_anew", [SCORES], {TABLE: text}, ended="2027-01-01T00:00:00+00:00")
    assert found(project) == {(FindingKind.record, "results/x/records/tabulate/job.json")}


def test_a_failed_job(project):
    project.job("score", [MASKS, LABEL], {SCORES: "scores"}, status="failed: KeyError")
    (finding,) = check_files(load(project.results)).findings
    assert (finding.kind, finding.path) == (
        FindingKind.failed_job,
        "results/x/records/score/job.json",
    )
    assert finding.affects == (SCORES, TABLE)


def test_an_output_that_a_job_never_wrote(project):
    declared = [SCORES, "results/x/more.csv"]
    project.job("score", [MASKS, LABEL], {SCORES: "scores"}, declared=declared)
    assert found(project) == {(FindingKind.missing, "results/x/more.csv")}


def test_a_result_of_an_older_input(project):
    """The chain is broken between two jobs although every file is as its own job left it."""
    project.job("train", [SLICES], {WEIGHTS: "trained anew"})
    (finding,) = check_files(load(project.results)).findings
    assert (finding.kind, finding.path) == (FindingKind.link, "results/x/records/segment/job.json")
    assert f"segment read another {WEIGHTS}" in finding.message
    assert set(finding.affects) > {SCORES, TABLE}
    assert WEIGHTS not in finding.affects


def test_what_only_had_to_be_there_may_change(project):
    project.job("collect", outputs={"results/x/cases.csv": "case\n0\n1\n"})
    assert found(project) == set()


def test_raw_data_that_changed_between_two_jobs(project):
    project.write(LABEL, "another label")
    project.job("score", [MASKS, LABEL], {SCORES: "scores"})
    assert found(project) == {(FindingKind.link, "results/x/records/slice/job.json")}
    shutil.rmtree(project.root / "raw")  # now nobody knows who is right, but not both are
    assert found(project) == {(FindingKind.link, "results/x/records/slice/job.json")}


def test_a_record_that_no_other_witness_confirms_is_named_not_the_file(project):
    """The maker's record was altered and sealed again: file and reader agree against it."""
    record = load(project.results).records["results/x/records/train/job.json"]
    others = {WEIGHTS: replace(record.outputs[WEIGHTS], sha256="0" * 64)}
    write_record(project.record("train"), replace(record, outputs=others))
    assert found(project) == {(FindingKind.link, "results/x/records/train/job.json")}


def test_where_only_record_and_file_disagree_both_are_named(project):
    (project.root / TABLE).write_text("another table")
    (finding,) = check_files(load(project.results)).findings
    assert (finding.kind, finding.path) == (FindingKind.changed, TABLE)
    assert "tabulate wrote it" in finding.message
    assert "results/x/records/tabulate/job.json" in finding.message


def test_records_that_no_job_of_this_configuration_leaves_are_left_over(project):
    name = "results/x/records/old/job.json"
    project.job("old", [SLICES], {"results/x/old.csv": "old"})
    live = [n for n in load(project.results).records if n != name]
    assert found(project, live=live) == set()
    assert apart(project, live=live) == {(Severity.warning, FindingKind.left_over, name)}


def test_files_that_a_copy_leaves_out_on_purpose(project):
    (project.root / SLICES).unlink()
    assert found(project, left_out=[SLICES]) == set()
    assert apart(project, left_out=[SLICES]) == {
        (Severity.unchecked, FindingKind.missing, "results/x/slices")
    }


def test_no_records_at_all(project):
    for folder in (project.results, project.root / "data/made"):
        shutil.rmtree(folder / "records")
    assert found(project) == {(FindingKind.missing_record, "results/x/records")}


def test_logs_of_shared_data_may_lie_in_another_experiment(project):
    """The data were made by an experiment that was deleted since."""
    record = load(project.results).records["data/made/records/make/job.json"]
    (project.root / "results/x/logs/make.log").unlink()
    project.job("make", outputs={VOLUME: "a volume"}, folder="data/made", logs={})
    (project.root / "results/x/logs/make.log").unlink()
    moved = {"results/gone/logs/make.log": record.logs["results/x/logs/make.log"]}
    project.job("make", outputs={VOLUME: "a volume"}, folder="data/made", logs=moved)
    (project.root / "results/x/logs/make.log").unlink()
    assert found(project) == set()


def test_links_are_told(project, tmp_path):
    """Of a file, and of a folder once, wherever they lead; not of what DVC has in its cache."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (project.root / TABLE).rename(elsewhere / "table1.csv")
    (project.root / TABLE).symlink_to(elsewhere / "table1.csv")
    (project.root / MASKS).rename(elsewhere / "masks")
    (project.root / MASKS).symlink_to(elsewhere / "masks")
    cache = project.root / ".dvc/cache/files/md5/ab"
    cache.mkdir(parents=True)
    (project.root / SLICES).rename(cache / "cd")
    (project.root / SLICES).symlink_to(cache / "cd")
    assert found(project) == set()
    assert apart(project) == {
        (Severity.warning, FindingKind.changed, TABLE),
        (Severity.warning, FindingKind.changed, MASKS),
    }


@pytest.mark.parametrize("absolute", [True, False])
def test_what_a_crate_names_on_this_machine_is_not_read(project, tmp_path_factory, absolute):
    private = tmp_path_factory.mktemp("outside") / "private"
    private.write_text("private")
    path = str(private) if absolute else os.path.relpath(private, project.root)
    project.job("look", [], {"results/x/seen": "1"})
    record = read_record(project.record("look"))
    state = record.outputs["results/x/seen"]
    write_record(project.record("look"), replace(record, inputs={path: state}))
    run = load(project.results)
    assert hashed(run)[path] is not None
    assert hashed(run, left_out={path})[path] is None
