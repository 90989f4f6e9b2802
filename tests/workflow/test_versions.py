"""Versioned data: a fresh clone, a new version of one case, edits by hand, a remote that is away.

One small run is made once for this file and copied for each test: with pytest-xdist use ``--dist
loadfile``.
"""

import csv
import json
import os
import re
import shutil
import subprocess
from collections import Counter

import nibabel as nib
import numpy as np
import pytest

from upwind.phantom.write import write_patient
from upwind.versions.pointers import read_pointer

PATIENTS, FOLDS = 4, 2
SETTINGS = {
    "experiment": "tiny",
    "folds": FOLDS,
    "image_size": 16,
    "dataset": {"kind": "lits", "root": "data/mine"},
    "unet": {"epochs": 1},
    "lsn": {"epochs": 1, "steps": 4},
    "levelset": {
        "trials": 1,
        "spacing_mm": 20.0,
        "blind": {"patients": 2, "trials": 1, "spacing_mm": 12.0, "max_iterations": 60},
    },
    "kernels": {"network": 0},
}
DATA, SLICES = "results/tiny/data.csv", "results/tiny/slices.dvc"
# Scores need all that reads the volumes but the gallery; figures and tables come from scores.
TARGETS = ["results/tiny/scores.csv", "results/tiny/split.csv", DATA, SLICES]


class Clone:
    """A git checkout of a project with versioned data, in which the workflow runs."""

    def __init__(self, workplace):
        self.folder = workplace.folder
        self.workplace = workplace

    def run(self, *arguments, **changes):
        """Run the workflow."""
        file = self.workplace.configure(SETTINGS | changes)
        return self.workplace.snakemake(*arguments, configfiles=[file])

    def plan(self, *targets, **changes):
        """Jobs that would run: (rule, wildcards)."""
        result = self.run("--dry-run", *(targets or TARGETS), **changes)
        assert result.returncode == 0, result.stdout
        return jobs(result.stdout)

    def git(self, *arguments):
        return command(self.folder, "git", *arguments)

    def dvc(self, *arguments):
        return command(self.folder, self.workplace.python, "-m", "dvc", *arguments)

    def commit_data(self, message):
        """Make the folder the new version, and share it."""
        self.dvc("add", "data/mine")
        self.git("add", "data/mine.dvc")
        self.git("commit", "--quiet", "--message", message)
        self.dvc("push", "data/mine.dvc")

    def change(self, name):
        """Another volume in its place: 5 HU more."""
        path = self.folder / "data/mine" / name
        image = nib.load(path)
        new = path.with_name("new.nii.gz")
        nib.save(nib.Nifti1Image(np.asanyarray(image.dataobj) + 5, image.affine), new)
        new.replace(path)


def command(folder, *arguments):
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def jobs(output):
    """(rule, wildcards) of the jobs that Snakemake names."""
    found = []
    for line in output.splitlines():
        if head := re.match(r"(?:local)?(?:rule|checkpoint) (\w+):$", line):
            found.append((head[1], ""))
        elif line.startswith("    wildcards: "):
            found[-1] = (found[-1][0], line.removeprefix("    wildcards: "))
    return Counter(found)


@pytest.fixture(scope="module", autouse=True)
def own_settings_of_dvc_and_git(tmp_path_factory):
    """DVC keeps notes of each repository in a folder of the machine; not for these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("dvc")))
        for who in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{who}_NAME", "Tester")
            patch.setenv(f"GIT_{who}_EMAIL", "tester@example.org")
        yield


@pytest.fixture(scope="module")
def lab(tmp_path_factory, workplace_in, repository):
    """Where the volumes were put under DVC, committed and pushed."""
    folder = tmp_path_factory.mktemp("lab") / "project"
    (folder / "data/mine").mkdir(parents=True)
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(repository / name, folder)
    (folder / ".dvc").mkdir()
    for name in (".gitignore", "config"):
        shutil.copy(repository / ".dvc" / name, folder / ".dvc")
    command(folder, "git", "init", "--quiet", "--initial-branch", "main")
    project = Clone(workplace_in(folder))
    project.dvc("remote", "add", "--quiet", "--default", "store", str(folder.with_name("store")))
    for case in range(PATIENTS):
        write_patient(
            case,
            0,
            folder / f"data/mine/volume-{case}.nii.gz",
            folder / f"data/mine/segmentation-{case}.nii.gz",
        )
    project.git("add", ".dvc", ".dvcignore", ".gitignore")
    project.commit_data("first version")
    return project


@pytest.fixture
def fresh(lab, tmp_path, workplace_in):
    """A clone without volumes."""
    command(lab.folder, "git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    return Clone(workplace_in(tmp_path / "clone"))


@pytest.fixture(scope="module")
def finished(lab, tmp_path_factory, workplace_in):
    """A clone in which the workflow has pulled, trained and scored. Not to be changed."""
    folder = tmp_path_factory.mktemp("finished") / "clone"
    command(lab.folder, "git", "clone", "--quiet", ".", str(folder))
    clone = Clone(workplace_in(folder))
    result = clone.run(*TARGETS)
    assert result.returncode == 0, result.stdout[-5000:]
    return clone


@pytest.fixture
def clone(finished, tmp_path, workplace_in):
    """A copy of it for one test."""
    shutil.copytree(finished.folder / "config", tmp_path / "config")
    (tmp_path / "clone").mkdir()
    workplace = workplace_in(tmp_path / "clone")
    command(tmp_path, "cp", "-a", f"{finished.folder}/.", str(workplace.folder))
    return Clone(workplace)


def rows(clone):
    with (clone.folder / DATA).open(newline="") as table:
        return list(csv.DictReader(table))


def test_a_fresh_clone_is_planned_before_it_has_volumes(fresh):
    planned = fresh.plan()
    assert planned["pull_data", ""] == 1
    assert planned["collect_cases", ""] == 1
    assert sum(rule == "train" for rule, _ in planned) == 2 * FOLDS
    assert not (fresh.folder / "data/mine").exists()
    skipping = fresh.plan(dataset=SETTINGS["dataset"] | {"on_bad_case": "skip"})
    assert skipping["pull_data", ""] == 1


def test_a_fresh_clone_pulls_and_goes_on(lab, finished):
    table = rows(finished)
    assert [(row["case"], row["role"]) for row in table] == [
        (str(case), role) for case in range(PATIENTS) for role in ("image", "label")
    ]
    version = read_pointer(lab.folder / "data/mine.dvc").version
    for row in table:
        ours, theirs = (c.folder / "data/mine" / row["file"] for c in (finished, lab))
        assert ours.read_bytes() == theirs.read_bytes()
        assert int(row["bytes"]) == ours.stat().st_size
        assert row["version"] == version
    assert (finished.folder / "results/tiny/scores.csv").is_file()


def test_slices_have_a_pointer_that_git_sees_and_nothing_is_out_of_date(finished):
    status = finished.git("status", "--porcelain", "--untracked-files=all").splitlines()
    assert f"?? {SLICES}" in status
    assert not [line for line in status if "data/" in line or ".safetensors" in line]
    slices = read_pointer(finished.folder / SLICES)
    manifest = (finished.folder / ".dvc/cache/files/md5" / slices.version[:2]) / slices.version[2:]
    assert [entry["relpath"] for entry in json.loads(manifest.read_text())] == [
        f"case-{case}.safetensors" for case in range(PATIENTS)
    ]
    result = finished.run("--dry-run", *TARGETS)
    assert "Nothing to be done" in result.stdout
    skipping = finished.plan(dataset=SETTINGS["dataset"] | {"on_bad_case": "skip"})
    assert not {"pull_data", "train"} & {rule for rule, _ in skipping}


def test_a_record_tells_what_only_had_to_be_there(finished):
    record = finished.folder / "results/tiny/records/slice_case/case=0.json"
    content = json.loads(record.read_text())
    assert "results/tiny/cases.csv" in content["order_only"]
    assert "results/tiny/cases/case-0.json" not in content["order_only"]


# Made of volumes alone, so that they still hold where nothing of another version was made.
OF_VOLUMES_ALONE = ("tune_level_set", "segment_blind")
RAW_TO_SLICES = ("check_case", "collect_cases", "slice_case", "track_slices")
# With 4 cases in 2 folds, fold 0 trains on cases 2 and 3, fold 1 on 0 and 1.
NEW_CASE_3 = Counter(
    [
        ("check_case", "case=3"),
        ("collect_cases", ""),
        ("slice_case", "case=3"),
        ("track_slices", ""),
        ("assign_folds", ""),
        ("split_fold", "fold=0"),
        ("split_fold", "fold=all"),
        ("gather_splits", ""),
        ("operate_level_set", "case=3"),
        ("train", "network=unet, fold=0"),
        ("train", "network=lsn, fold=0"),
        *(("segment_fold", f"network={n}, fold={f}") for n in ("unet", "lsn") for f in (0, 1)),
        *(("score_network", f"network={n}, fold={f}") for n in ("unet", "lsn") for f in (0, 1)),
        ("score_untrained", "method=itk_snap"),
        # Fold 0 is tuned on cases 2 and 3, which fold 1 leaves out.
        ("tune_level_set", "fold=0"),
        *(("segment_blind", f"fold={fold}") for fold in (0, 1)),
        ("score_untrained", "method=itk_snap_blind"),
        ("gather_scores", ""),
    ]
)


def test_a_new_version_of_a_case_reruns_its_stages_and_what_follows_and_so_does_the_old(clone):
    old = rows(clone)
    first_slices = (clone.folder / SLICES).read_text()
    clone.change("volume-3.nii.gz")
    clone.commit_data("case 3 is better")
    # Before it is looked at, a plan can only say that the rest depends on it.
    assert clone.plan(DATA) == Counter([("pull_data", "")])
    assert clone.run(DATA).returncode == 0
    changed = [
        row["file"] for row, was in zip(rows(clone), old, strict=True) if row["md5"] != was["md5"]
    ]
    assert changed == ["volume-3.nii.gz"]
    assert clone.plan() == NEW_CASE_3

    # Made as far as the slices. Whoever goes back gets all of it back.
    result = clone.run(SLICES)
    assert result.returncode == 0, result.stdout[-3000:]
    made = jobs(result.stdout)
    assert made == Counter(job for job in NEW_CASE_3 if job[0] in RAW_TO_SLICES)
    assert (clone.folder / SLICES).read_text() != first_slices
    clone.git("checkout", "--quiet", "HEAD~1", "--", "data/mine.dvc")
    assert clone.run(DATA).returncode == 0
    assert rows(clone)[6]["md5"] == old[6]["md5"]
    assert clone.plan() == Counter(job for job in NEW_CASE_3 if job[0] not in OF_VOLUMES_ALONE)
    assert clone.run(SLICES).returncode == 0
    assert (clone.folder / SLICES).read_text() == first_slices


def test_volumes_edited_by_hand_stop_a_dry_run_until_either_way_out_is_taken(clone):
    folder = clone.folder / "data/mine"
    clone.change("volume-1.nii.gz")
    (folder / "segmentation-2.nii.gz").unlink()
    shutil.copy(folder / "volume-0.nii.gz", folder / "volume-9.nii.gz")
    result = clone.run("--dry-run", *TARGETS)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    for line in ("changed: volume-1.nii.gz", "missing: segmentation-2.nii.gz"):
        assert f"  {line}\n" in result.stdout
    assert "  added: volume-9.nii.gz\n" in result.stdout
    assert "dvc add data/mine\n" in result.stdout
    assert "dvc checkout --force data/mine.dvc" in result.stdout
    clone.dvc("checkout", "--force", "data/mine.dvc")
    assert "Nothing to be done" in clone.run("--dry-run", *TARGETS).stdout
    clone.change("volume-1.nii.gz")
    clone.dvc("add", "data/mine")
    assert clone.plan(DATA) == Counter([("pull_data", "")])


def test_another_date_is_no_edit(clone):
    for path in (clone.folder / "data/mine").iterdir():
        os.utime(path)
    assert "Nothing to be done" in clone.run("--dry-run", *TARGETS).stdout


def test_a_remote_that_is_away_is_one_message_and_nothing_is_trusted_later(fresh, lab):
    store, away = (lab.folder.with_name(name) for name in ("store", "away"))
    store.rename(away)
    try:
        result = fresh.run(DATA)
    finally:
        away.rename(store)
    assert result.returncode != 0
    message = next(line for line in result.stdout.splitlines() if line.startswith("Error: "))
    assert "cannot fetch version" in message
    assert f"({store}, a folder that is not there now)" in message
    assert not (fresh.folder / "data/mine").exists()
    assert not (fresh.folder / DATA).exists()
    assert fresh.run(DATA).returncode == 0


def test_sources_without_git_or_dvc_say_what_to_do(fresh):
    shutil.rmtree(fresh.folder / ".git")
    result = fresh.run("--dry-run")
    assert result.returncode != 0
    assert "the version of data/mine needs git" in result.stdout
    assert "Traceback" not in result.stdout
