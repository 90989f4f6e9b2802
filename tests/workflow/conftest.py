"""The workflow as a user starts it, in a folder of its own."""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


class Workplace:
    """A folder with the repository's ``config/`` in which the workflow runs by ``python``."""

    def __init__(self, folder, python):
        self.folder, self.python = folder, python
        self.snakefile = REPOSITORY / "workflow/Snakefile"
        shutil.copytree(REPOSITORY / "config", folder / "config")

    def configure(self, settings, name="small.yaml"):
        """Write a configuration file of the user's own; return its path."""
        path = self.folder / name
        path.write_text(yaml.safe_dump(settings))
        return path

    def command(self, *arguments, configfiles=(), python=None):
        """Snakemake's command line."""
        command = [python or self.python, "-m", "snakemake"]
        command += ["--snakefile", self.snakefile, "--directory", self.folder]
        command += ["--cores", "2", "--nocolor", *arguments]
        if configfiles:
            command += ["--configfile", *configfiles]
        return [str(part) for part in command]

    def snakemake(self, *arguments, configfiles=(), python=None):
        """Run snakemake; exit code in ``returncode``, what a user sees in ``stdout``."""
        return subprocess.run(
            self.command(*arguments, configfiles=configfiles, python=python),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )


@dataclass
class Planned:
    """A job of a dry run: what it would ask of a cluster, and with which others it would go."""

    rule: str
    group: str | None
    wildcards: dict = field(default_factory=dict)
    resources: dict = field(default_factory=dict)
    threads: int = 1


def planned_jobs(text):
    """The jobs that ``snakemake --dry-run`` prints, but for rule all."""
    jobs, group = [], None
    for line in text.splitlines():
        if found := re.match(r"\[.*\] Group job (\w+) \(jobs", line):
            group = found[1]
        elif found := re.match(r"( *)(?:local)?(?:rule|checkpoint) (\w+):$", line):
            group = group if found[1] else None
            jobs.append(Planned(found[2], group))
        elif found := re.match(r" *(resources|wildcards): (.*)", line):
            pairs = (pair.split("=", 1) for pair in found[2].split(", "))
            values = {key: int(v) if v.isdecimal() else v for key, v in pairs}
            setattr(jobs[-1], found[1], values)
        elif found := re.match(r" *threads: (\d+)", line):
            jobs[-1].threads = int(found[1])
    return [job for job in jobs if job.rule != "all"]


@pytest.fixture(scope="session")
def plan():
    """A function of a workplace and what :meth:`Workplace.snakemake` takes: the planned jobs."""

    def run(workplace, *arguments, configfiles=()):
        result = workplace.snakemake("--dry-run", *arguments, configfiles=configfiles)
        assert result.returncode == 0, result.stdout[-5000:]
        return planned_jobs(result.stdout)

    return run


@pytest.fixture(scope="session")
def write_headers():
    """A function of a folder and the cases' numbers of slices: LiTS's files without their voxels,
    which neither a plan nor a request for memory reads."""

    def write(folder, slices):
        folder.mkdir()
        for case, count in enumerate(slices):
            for name, dtype in (("volume", "int16"), ("segmentation", "uint8")):
                header = nib.Nifti1Header()
                header.set_data_dtype(dtype)
                header.set_data_shape((512, 512, count))
                (folder / f"{name}-{case}.nii").write_bytes(header.binaryblock)

    return write


@pytest.fixture(scope="session")
def workplace_in(python):
    """Make a folder that is there a workplace."""
    return lambda folder: Workplace(folder, python)


@pytest.fixture
def workplace(tmp_path, workplace_in):
    """An empty workplace."""
    return workplace_in(tmp_path)


@pytest.fixture(scope="module")
def shared_workplace(tmp_path_factory, workplace_in):
    """A workplace that the tests of a module share."""
    return workplace_in(tmp_path_factory.mktemp("workplace"))


@pytest.fixture(scope="session")
def repository():
    """The repository's folder."""
    return REPOSITORY
