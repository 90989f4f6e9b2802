import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from upwind.cli import app
from upwind.common.errors import UpwindError
from upwind.results import Result, ResultList
from upwind.versions import release as releasing
from upwind.versions.commands import CommandError, run_git
from upwind.versions.hashes import Hashes
from upwind.versions.pointers import read_pointer
from upwind.versions.release import make_release, plan_release
from upwind.versions.slices import track_slices
from upwind.versions.volumes import describe_volumes, write_volumes

WEIGHTS = "networks/unet/0/weights.safetensors"
TOP_RESULTS = (
    "config.yaml",
    "results.json",
    "verdicts.csv",
    "table1.csv",
    "table1.md",
    "gallery.png",
)
CONTENTS = ResultList(
    [Result(name) for name in TOP_RESULTS],
    [
        Result("slices", released=False, published=False),
        Result("segmentations", released=False),
        Result("logs", released=False),
        Result("networks"),
    ],
)


def write_results(folder, root="data/phantom"):
    """What a finished experiment leaves, in short."""
    for name in TOP_RESULTS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")
    (folder / "config.yaml").write_text(f"dataset: {{root: {root}}}\n")
    (folder / "results.json").write_text(json.dumps(CONTENTS.as_json()))
    (folder / "verdicts.csv").write_text("method,fold,failed\nunet,0,False\n")
    (folder / "table1.md").write_text("| Fold | UNet |\n")
    for name, content in {
        WEIGHTS: b"trained",
        "report.html": b"<html>",
        "slices/case-0.safetensors": b"slices",
        "segmentations/itk_snap/segmentation-0.nii.gz": b"mask",
        "logs/train/unet-0.log": b"log",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def upwind(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def state(project):
    """What a release that fails must leave as it was."""
    log = project.git("log", "--all", "--format=%H")
    status = project.git("status", "--porcelain", "--untracked-files=all")
    return log, project.git("tag"), status, project.files()


@pytest.fixture
def finished(empty_project):
    """A finished experiment on data that are not versioned."""
    write_results(Path("results/demo"))
    return empty_project


@pytest.fixture
def versioned(project):
    """A finished experiment on versioned data."""
    results = Path("results/lits")
    write_results(results, "data/lits")
    version = read_pointer("data/lits.dvc").version
    rows = describe_volumes(Path("data/lits"), "lits", version, Hashes(project.folder))
    write_volumes(results / "data.csv", rows)
    track_slices(results / "slices", [results / "slices/case-0.safetensors"])
    return project


def test_a_colleague_gets_tables_and_networks_without_training(finished, tmp_path, monkeypatch):
    result = upwind("release", "first")
    assert result.exit_code == 0, result.output
    assert finished.git("cat-file", "-t", "first") == "tag\n"
    assert finished.git("show", "--name-only", "--format=%s", "first^{commit}").split("\n\n") == [
        "Release first: results/demo",
        "releases/first.dvc\n",
    ]
    assert finished.git("status", "--porcelain") == ""
    clone = finished.clone(tmp_path / "clone")
    monkeypatch.chdir(clone.folder)
    clone.git("checkout", "--quiet", "first")
    clone.dvc("pull")
    for name in (*TOP_RESULTS, WEIGHTS, "report.html"):
        ours = finished.folder / "results/demo" / name
        assert (Path("releases/first") / name).read_bytes() == ours.read_bytes(), name
    tops = {path.name for path in Path("releases/first").iterdir()}
    assert tops == {*TOP_RESULTS, "networks", "report.html"}
    shown = upwind("show", "releases/first")
    assert "| Fold | UNet |" in shown.stdout
    assert "releases/first/report.html" in shown.stdout
    assert "older than Table I" not in shown.stderr


def test_results_are_copied_not_linked(finished):
    upwind("release", "first", "--no-push")
    table = Path("results/demo/table1.csv")
    assert table.stat().st_nlink == 1
    assert table.stat().st_mode & 0o200
    assert list(finished.folder.with_name("store").iterdir()) == []


def test_a_release_names_its_data_and_slices(versioned, tmp_path, monkeypatch):
    result = upwind("release", "v1.0", "--experiment", "lits")
    assert result.exit_code == 0, result.output
    committed = versioned.git("show", "--name-only", "--format=", "v1.0^{commit}").split()
    assert committed == ["releases/v1.0.dvc", "results/lits/slices.dvc"]
    clone = versioned.clone(tmp_path / "clone")
    monkeypatch.chdir(clone.folder)
    clone.git("checkout", "--quiet", "v1.0")
    clone.dvc("pull")  # everything that the tag names is on the remote
    assert Path("releases/v1.0/data.csv").is_file()
    assert Path("results/lits/slices/case-0.safetensors").read_bytes() == b"slices"
    assert Path("data/lits/volume-1.nii").read_bytes() == b"\x01" * 1000


def test_data_can_stay_here(versioned):
    store = versioned.folder.with_name("store")
    shutil.rmtree(store)
    store.mkdir()
    assert upwind("release", "v1", "--experiment", "lits", "--results-only").exit_code == 0
    stored = {path.read_bytes() for path in store.rglob("*") if path.is_file()}
    assert b"trained" in stored
    assert b"slices" not in stored
    assert b"\x01" * 1000 not in stored


def test_data_that_are_not_here_cannot_be_pushed(versioned):
    shutil.rmtree(".dvc/cache")
    before = state(versioned)
    result = upwind("release", "v1", "--experiment", "lits")
    assert "DVC's cache has not all files of data/lits" in result.stderr
    assert "--results-only" in result.stderr
    assert state(versioned) == before


def test_results_of_another_version_of_the_data_are_refused(versioned):
    Path("data/lits/volume-1.nii").unlink()
    Path("data/lits/volume-1.nii").write_bytes(b"better")
    versioned.dvc("add", "data/lits")
    versioned.commit("better data")
    result = upwind("release", "v1", "--experiment", "lits")
    assert "results/lits was made from another version of data/lits" in result.stderr
    assert not Path("releases").exists()


def test_uncommitted_changes_are_refused_unless_allowed(finished):
    Path(".gitignore").write_text(Path(".gitignore").read_text() + "/mine\n")
    Path("staged.txt").write_text("x")
    finished.git("add", "staged.txt")
    before = state(finished)
    result = upwind("release", "first")
    assert result.exit_code == 1
    assert "changes that git does not know: .gitignore, staged.txt." in result.stderr
    assert "--allow-dirty" in result.stderr
    assert state(finished) == before
    assert upwind("release", "first", "--allow-dirty", "--no-push").exit_code == 0
    # What was staged for another commit is still staged, and in no release.
    assert finished.git("status", "--porcelain") == " M .gitignore\nA  staged.txt\n"


def test_an_uncommitted_pointer_of_the_data_is_refused(versioned):
    versioned.git("rm", "--quiet", "--cached", "data/lits.dvc")
    versioned.git("commit", "--quiet", "--message", "forgotten")
    result = upwind("release", "v1", "--experiment", "lits")
    assert "changes that git does not know: data/lits.dvc" in result.stderr


def test_an_unfinished_experiment_is_refused(finished):
    Path("results/demo/table1.csv").unlink()
    Path("results/demo", WEIGHTS).unlink()
    result = upwind("release", "first")
    assert f"results/demo is not finished: table1.csv, {WEIGHTS} not there" in result.stderr
    assert "snakemake" in result.stderr
    assert "results/none does not exist" in upwind("release", "x", "--experiment", "none").stderr
    assert not Path("releases").exists()


@pytest.mark.parametrize("name", ["", "-x", "a/b", "a b", "a..b", "x.lock", "x.dvc", ".x", "x."])
def test_a_name_that_git_or_dvc_cannot_take_is_refused(finished, name):
    with pytest.raises(UpwindError, match="cannot name a release"):
        plan_release(name, Path("results/demo"), push=True, allow_dirty=False)


def test_a_name_that_is_taken_is_refused(finished):
    finished.git("tag", "tagged")
    finished.git("branch", "branched")
    Path("releases/killed").mkdir(parents=True)
    for name, words in (
        ("tagged", "the name is taken by refs/tags/tagged"),
        ("branched", "the name is taken by refs/heads/branched"),
        ("killed", "releases/killed is there without a git tag killed"),
    ):
        with pytest.raises(UpwindError, match=words):
            plan_release(name, Path("results/demo"), push=True, allow_dirty=False)


def test_without_a_remote_the_way_to_one_is_told(finished):
    finished.dvc("remote", "remove", "store")
    finished.commit("no remote")
    before = state(finished)
    result = upwind("release", "first")
    assert "no DVC remote to push to: `dvc remote add --default NAME URL`" in result.stderr
    assert state(finished) == before
    assert upwind("release", "first", "--no-push").exit_code == 0


def test_a_remote_that_is_away_leaves_nothing_half_made(finished):
    store = finished.folder.with_name("store")
    store.rmdir()
    before = state(finished)
    result = upwind("release", "first")
    assert "not there now): mount it, or make it" in result.stderr
    assert state(finished) == before
    assert not store.exists()  # DVC would make it under an empty mount point


def test_a_push_that_fails_leaves_nothing_half_made(finished):
    finished.dvc("remote", "modify", "store", "url", "http://127.0.0.1:9/dvc")
    finished.commit("remote elsewhere")
    before = state(finished)
    result = upwind("release", "first")
    assert result.exit_code == 1
    assert "no release was made: the DVC remote did not take it" in result.stderr
    assert "127.0.0.1:9" in result.stderr
    assert state(finished) == before
    finished.dvc("remote", "modify", "store", "url", str(finished.folder.with_name("store")))
    finished.commit("remote is back")
    assert upwind("release", "first").exit_code == 0


@pytest.mark.parametrize("step", ["commit", "tag"])
def test_what_git_refuses_is_undone(finished, monkeypatch, step):
    def refuse(folder, *arguments):
        if arguments[0] == step:
            raise CommandError("a hook says no")
        return run_git(folder, *arguments)

    monkeypatch.setattr(releasing, "run_git", refuse)
    before = state(finished)
    planned = plan_release("first", Path("results/demo"), push=False, allow_dirty=False)
    with pytest.raises(UpwindError, match=f"git did not {step}.*\n  a hook says no"):
        make_release(planned, push=False, with_data=True)
    assert state(finished) == before


def test_a_full_disk_leaves_nothing_half_made(finished, monkeypatch):
    def full(source, target, **_):
        Path(target).mkdir(parents=True)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(releasing.shutil, "copytree", full)
    before = state(finished)
    planned = plan_release("first", Path("results/demo"), push=False, allow_dirty=False)
    with pytest.raises(UpwindError, match=r"releases/first could not be written.*No space left"):
        make_release(planned, push=False, with_data=True)
    assert state(finished) == before


def test_a_release_is_made_in_the_repositorys_root(finished, monkeypatch):
    monkeypatch.chdir("results")
    with pytest.raises(UpwindError, match="in the repository's root: cd "):
        plan_release("first", Path("demo"), push=False, allow_dirty=False)
