"""A folder with a space in its path, which Snakemake cannot start a job from."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from upwind.common.errors import UpwindError
from upwind.common.packages import check_interpreter

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"


def test_the_workflow_says_so_before_any_job(monkeypatch):
    check_interpreter()
    monkeypatch.setattr(sys, "executable", "/home/x/My Documents/upwind/.venv/bin/python")
    with pytest.raises(UpwindError, match=r"has a space in its path, .* could start no job: move"):
        check_interpreter()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_says_so_before_it_installs(tmp_path):
    folder = tmp_path / "My Documents"
    folder.mkdir()
    shutil.copy(MAKEFILE, folder)
    done = subprocess.run(
        ["make", "install"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "has a space in its path, so that Snakemake could start no job" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["Makefile"]
