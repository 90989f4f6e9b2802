"""Reading the records of an experiment, from wherever it lies, and walking along them."""

import shutil

import pytest

from upwind.audit.provenance_graph import load
from upwind.common.errors import UpwindError

TABLE, WEIGHTS = "results/x/table1.csv", "results/x/networks/unet/0/weights.st"


def test_records_are_named_as_the_workflow_names_files(project):
    run = load(project.results)
    assert (run.root, run.home, run.sources) == (project.root, "results/x", ("data/made",))
    assert "results/x/records/train/job.json" in run.records
    assert "data/made/records/make/job.json" in run.records
    assert run.damaged == {}
    assert run.config["experiment"] == "x"


def test_from_a_table_up_to_the_raw_data(project):
    run = load(project.results)
    rules = {run.records[name].rule for name in run.upstream([TABLE])}
    # collect: its table only had to be there, and is part of the chain.
    assert rules == {"make", "collect", "slice", "train", "segment", "score", "tabulate"}
    assert run.record_of("raw/labels/segmentation-0.nii") is None
    assert run.record_of(WEIGHTS).rule == "train"
    assert run.record_of("results/x/logs/train.log").rule == "train"


def test_from_weights_down_to_all_that_was_made_from_them(project):
    run = load(project.results)
    masks = [f"results/x/segmentations/unet/0/segmentation-{case}.nii" for case in (0, 1)]
    assert run.downstream([WEIGHTS]) == sorted([TABLE, *masks, "results/x/scores.csv"])
    # The slices had to wait for the cases, whatever these say.
    assert run.downstream(["results/x/cases.csv"]) == []
    fallen = run.fallen(["results/x/records/train/job.json"])
    assert fallen == sorted([WEIGHTS, *run.downstream([WEIGHTS])])


@pytest.mark.parametrize("folder", ["results/x", "./results/../results/x/", "."])
def test_started_from_another_folder(project, monkeypatch, folder):
    monkeypatch.chdir(project.results if folder == "." else project.root)
    run = load(folder)
    assert (run.root, run.home) == (project.root, "results/x")
    assert run.place(TABLE).read_text() == "table"
    assert run.place("data/made/volume-0.nii").read_text() == "a volume"


@pytest.mark.parametrize("place", ["elsewhere", "a/b/c/d"])
def test_results_that_were_moved(project, place):
    moved = project.root / place
    shutil.move(project.results, moved)
    run = load(moved)
    assert run.home == "results/x"
    assert run.place(TABLE).read_text() == "table"
    assert run.sources == ()


def test_results_behind_a_link(project):
    shutil.move(project.results, project.root / "scratch")
    (project.root / "results/x").symlink_to(project.root / "scratch")
    run = load(project.root / "results/x")
    assert run.root == project.root
    assert run.sources == ("data/made",)


def test_without_the_record_of_the_configuration(project):
    project.record("write_config").unlink()
    run = load(project.results)
    assert (run.home, run.config) == ("results/x", {})


def test_of_two_records_for_a_file_the_later_counts(project):
    path = "results/x/table1.csv"
    project.job("tabulate_anew", outputs={path: "new"}, ended="2026-02-01T00:00:00+00:00")
    assert load(project.results).record_of(path).rule == "tabulate_anew"


def test_a_damaged_record_is_told_with_its_reason(project):
    path = project.record("train")
    path.write_text(path.read_text().replace('"epochs": 2', '"epochs": 3'))
    run = load(project.results)
    assert list(run.damaged) == ["results/x/records/train/job.json"]
    assert "does not match its seal" in run.damaged["results/x/records/train/job.json"]


def test_no_such_folder(tmp_path):
    with pytest.raises(UpwindError, match="results/NAME"):
        load(tmp_path / "none")


def test_a_folder_without_records(tmp_path):
    (tmp_path / "results/new").mkdir(parents=True)
    run = load(tmp_path / "results/new")
    assert (dict(run.records), run.home) == ({}, "results/new")
