"""Throw-away git repositories with DVC, as a clone of this one has it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


class Project:
    """A git checkout with this repository's settings of DVC and git."""

    def __init__(self, folder):
        self.folder = folder

    def make(self):
        """Start a history; the DVC remote is the folder ``store`` beside the checkout."""
        self.folder.mkdir(parents=True)
        for name in (".gitignore", ".dvcignore"):
            shutil.copy(REPOSITORY / name, self.folder)
        (self.folder / ".dvc").mkdir()
        shutil.copy(REPOSITORY / ".dvc/.gitignore", self.folder / ".dvc")
        store = self.folder.with_name("store")
        store.mkdir()
        config = (REPOSITORY / ".dvc/config").read_text()
        assert config.count("[core]\n") == 1
        config = config.replace("[core]\n", "[core]\n    remote = store\n")
        config += f"""['remote "store"']\n    url = {store}\n"""
        (self.folder / ".dvc/config").write_text(config)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("start")
        return self

    def git(self, *arguments):
        identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
        return self._run("git", *identity, *arguments)

    def dvc(self, *arguments):
        return self._run(sys.executable, "-m", "dvc", *arguments)

    def commit(self, message):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def clone(self, folder):
        """A colleague's clone: no data, no cache."""
        self.git("clone", "--quiet", self.folder, folder)
        return Project(folder)

    def copy(self, folder):
        """The same checkout elsewhere, with its data, cache and remote."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        store = folder.with_name("store")
        # With the links between volumes and DVC's copies of them.
        subprocess.run(["cp", "-a", self.folder, folder], check=True)
        subprocess.run(["cp", "-a", self.folder.with_name("store"), store], check=True)
        copied = Project(folder)
        config = folder / ".dvc/config"
        config.write_text(
            config.read_text().replace(str(self.folder.with_name("store")), str(store))
        )
        copied.commit("remote")
        return copied

    def files(self):
        """Content of every file that is neither git's nor DVC's own, by path."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not {".git", ".dvc"} & set(path.relative_to(self.folder).parts)
        }

    def _run(self, *command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session", autouse=True)
def own_place_for_dvc(tmp_path_factory):
    """DVC keeps notes of each repository in a folder of the machine; not for these."""
    before = os.environ.get("DVC_SITE_CACHE_DIR")
    os.environ["DVC_SITE_CACHE_DIR"] = str(tmp_path_factory.mktemp("dvc"))
    yield
    if before is None:
        del os.environ["DVC_SITE_CACHE_DIR"]
    else:
        os.environ["DVC_SITE_CACHE_DIR"] = before


@pytest.fixture(autouse=True)
def forked_dvc(request, monkeypatch, python):
    """DVC takes a second to import: not in each of its processes, but for the tests of how they are
    started."""
    if request.path.name != "test_commands.py":
        monkeypatch.setattr(sys, "executable", python)


@pytest.fixture(autouse=True)
def git_identity(monkeypatch):
    """Commits of the package's own."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "tester@example.org")


@pytest.fixture
def empty_project(tmp_path, monkeypatch):
    """A checkout without data; the test runs in it."""
    project = Project(tmp_path / "project").make()
    monkeypatch.chdir(project.folder)
    return project


@pytest.fixture(scope="session")
def pushed(tmp_path_factory):
    """A checkout with two cases under DVC, committed and pushed. Not to be changed."""
    project = Project(tmp_path_factory.mktemp("pushed") / "project").make()
    folder = project.folder / "data/lits"
    folder.mkdir(parents=True)
    for case in (0, 1):
        (folder / f"volume-{case}.nii").write_bytes(bytes([case]) * 1000)
        (folder / f"segmentation-{case}.nii").write_bytes(bytes([case + 7]) * 100)
    project.dvc("add", "data/lits")
    project.commit("data")
    project.dvc("push")
    return project


@pytest.fixture
def project(pushed, tmp_path, monkeypatch):
    """A copy of it for one test, which runs in it."""
    copied = pushed.copy(tmp_path / "project")
    monkeypatch.chdir(copied.folder)
    return copied


@pytest.fixture
def clone(project, tmp_path, monkeypatch):
    """A colleague's clone of ``project``; the test runs in it."""
    cloned = project.clone(tmp_path / "clone")
    monkeypatch.chdir(cloned.folder)
    return cloned
