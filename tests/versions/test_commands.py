import subprocess
import sys

import pytest

from upwind.common.errors import UpwindError
from upwind.versions import commands
from upwind.versions.commands import (
    CommandError,
    is_ignored,
    repository_root,
    run_dvc,
    run_git,
)


def test_dvcs_reason_is_the_message(empty_project):
    with pytest.raises(CommandError) as failed:
        run_dvc(empty_project.folder, "add", "nothing-here")
    assert "nothing-here" in str(failed.value)
    assert "ERROR" not in str(failed.value)
    assert "Having any troubles" not in str(failed.value)


def test_gits_reason_is_the_message(empty_project):
    with pytest.raises(CommandError, match="no-such-branch"):
        run_git(empty_project.folder, "checkout", "no-such-branch")


def test_dvc_and_git_print_what_was_asked(empty_project):
    assert run_dvc(empty_project.folder, "config", "core.analytics").strip() == "false"
    assert run_dvc(empty_project.folder, "config", "core.check_update").strip() == "false"
    assert run_git(empty_project.folder, "branch", "--show-current").strip() == "main"


def test_another_dvc_process_is_waited_for(monkeypatch, tmp_path, caplog):
    answers = [(1, "ERROR: Unable to acquire lock. Most likely another"), (0, "")]

    def run(command, folder, show):
        code, said = answers.pop(0)
        return subprocess.CompletedProcess(command, code, "done", said)

    monkeypatch.setattr(commands, "_run", run)
    monkeypatch.setattr(commands, "_PAUSE_S", 0)
    assert run_dvc(tmp_path, "add", "x") == "done"
    assert not answers
    assert "another DVC process works in" in caplog.text


def test_but_not_for_ever(monkeypatch, tmp_path):
    locked = subprocess.CompletedProcess([], 1, "", "ERROR: Unable to acquire lock.")
    monkeypatch.setattr(commands, "_run", lambda *_: locked)
    monkeypatch.setattr(commands, "_PATIENCE_S", -1)
    with pytest.raises(CommandError, match="Unable to acquire lock"):
        run_dvc(tmp_path, "add", "x")


def test_a_missing_dvc_is_said(monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$0: No module named dvc" >&2\nexit 1\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(CommandError, match=r"DVC is not installed here: .*requirements\.txt"):
        run_dvc(tmp_path, "status")


def test_a_missing_git_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="git cannot be started"):
        run_git(tmp_path, "status")


def test_repository_is_found_from_any_folder_in_it(empty_project):
    (empty_project.folder / "data").mkdir()
    root = empty_project.folder.resolve()
    assert repository_root(empty_project.folder / "data", "x") == root


def test_sources_without_git_or_dvc_are_told_what_to_do(tmp_path):
    with pytest.raises(UpwindError, match=r"^the version of data/lits needs DVC and .* no folder"):
        repository_root(tmp_path, "the version of data/lits")
    (tmp_path / ".dvc").mkdir()
    with pytest.raises(UpwindError, match=r"no git checkout: clone the repository with git"):
        repository_root(tmp_path, "the version of data/lits")


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("data/lits/volume-0.nii", True),
        ("data/lits.dvc", False),
        ("results/lits/slices/case-0.safetensors", True),
        ("results/lits/slices.dvc", False),
        ("results/lits/table1.csv", True),
        ("results/README.md", False),
        ("releases/first/table1.csv", True),
        ("releases/first.dvc", False),
        ("checkpoints/lits/unet-0/x.safetensors", True),
    ],
)
def test_git_keeps_pointers_and_no_data(empty_project, path, ignored):
    assert is_ignored(empty_project.folder, empty_project.folder / path) is ignored


def test_dvc_finds_the_pointers_that_git_keeps(empty_project):
    """A folder that DVC takes for ignored would be passed over, and its links removed."""
    for name in ("data/lits", "results/lits/slices", "releases/first"):
        folder = empty_project.folder / name
        folder.mkdir(parents=True)
        (folder / "file").write_text(name)
    empty_project.dvc("add", "data/lits", "results/lits/slices", "releases/first")
    empty_project.dvc("checkout")
    listed = empty_project.dvc("list", "--dvc-only", "--recursive", ".").split()
    assert listed == ["data/lits/file", "releases/first/file", "results/lits/slices/file"]
    assert (empty_project.folder / "data/lits/file").read_text() == "data/lits"
