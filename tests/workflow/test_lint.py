"""Snakemake alone, as the workflow catalog has it: the rules can be read and are linted there."""

import subprocess
import sys
from pathlib import Path

import pytest

from upwind.common.packages import FOR_PLANNING

HERE = Path(__file__).parent


@pytest.fixture
def alone(workplace, repository):
    """A function of packages beside Snakemake's own and of arguments: what a run there says."""

    def run(packages, *arguments):
        command = [sys.executable, HERE / "snakemake_alone.py"]
        command += [f"--with={package}" for package in packages]
        command += ["--", "--snakefile", repository / "workflow/Snakefile", *arguments]
        return subprocess.run(
            command,
            cwd=workplace.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    return run


def test_linting_needs_snakemake_alone(alone):
    done = alone([], "--lint")
    assert done.returncode == 0, done.stdout
    assert "your workflow is in a good condition" in done.stdout


def test_a_bad_setting_is_said_also_there(alone, workplace):
    mine = workplace.configure({"image_size": 100})
    done = alone([], "--lint", "--configfile", mine)
    assert done.returncode != 0
    assert "image_size: 100 is not a multiple of 16" in done.stdout


def test_a_run_says_what_is_missing_in_one_line(alone):
    done = alone([], "--dry-run", "--quiet")
    assert done.returncode != 0
    (said,) = [line for line in done.stdout.splitlines() if "make install" in line]
    assert f"{sys.executable} has no grimp, numpy, pandas: run `make install`" in said
    assert "Traceback" not in done.stdout


def test_planning_needs_what_the_list_names(alone):
    done = alone(FOR_PLANNING, "--dry-run", "--quiet", "rules")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "operate_level_set" in done.stdout
