"""The workflow as a user starts it, in a folder of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


class Workplace:
    """A folder with the repository's ``config/`` in which the workflow runs."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(REPOSITORY / "config", folder / "config")

    def configure(self, settings, name="small.yaml"):
        """Write a configuration file of the user's own; return its path."""
        path = self.folder / name
        path.write_text(yaml.safe_dump(settings))
        return path

    def snakemake(self, *arguments, configfiles=()):
        """Run snakemake; exit code in ``returncode``, what a user sees in ``stdout``."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile"]
        command += ["--directory", self.folder, "--cores", "2", "--nocolor", *arguments]
        if configfiles:
            command += ["--configfile", *configfiles]
        return subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture
def workplace(tmp_path):
    """An empty workplace."""
    return Workplace(tmp_path)


@pytest.fixture(scope="module")
def shared_workplace(tmp_path_factory):
    """A workplace that the tests of a module share."""
    return Workplace(tmp_path_factory.mktemp("workplace"))


@pytest.fixture(scope="session")
def repository():
    """The repository's folder."""
    return REPOSITORY
