"""The wheel and the source distribution, built and installed in an environment of their own."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
METADATA = ("pyproject.toml", "README.md", "LICENSE")


def run(*command, **options):
    """What a command prints, without this environment's package on its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of both, built from a copy of the sources: the wheel from the source
    distribution, as installers without a wheel do it."""
    copy = tmp_path_factory.mktemp("sources")
    for name in METADATA:
        shutil.copy(REPOSITORY / name, copy)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(REPOSITORY / "src", copy / "src", ignore=ignored)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", copy / "dist", copy)
    return copy / "dist"


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("upwind-*-py3-none-any.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A virtual environment with the wheel, and this one's packages behind it."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A folder that is named so has its packages seen, and not what .pth files of its own add.
    (packages / "behind.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--quiet"]
    run(*pip, "--no-deps", "--no-index", "--ignore-installed", wheel)
    return folder


def package_files():
    """Files of the package in the repository, by their paths in a wheel."""
    files = (path for path in (REPOSITORY / "src/upwind").rglob("*") if path.is_file())
    names = (path.relative_to(REPOSITORY / "src").as_posix() for path in files)
    return {name for name in names if "__pycache__" not in name}


def test_the_wheel_holds_every_file_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            name for name in archive.namelist() if not name.partition("/")[0].endswith("-info")
        }
    assert inside == package_files()
    assert {
        "upwind/py.typed",
        "upwind/reproduction/demo.json",
        "upwind/atlas/static/atlas.html",
    } <= (inside)


def test_the_source_distribution_does_too(built):
    (path,) = built.glob("upwind-*.tar.gz")
    with tarfile.open(path) as archive:
        names = {
            name.partition("/src/")[2] for name in archive.getnames() if "/src/upwind/" in name
        }
    assert package_files() <= names


def test_its_metadata_ask_for_a_range_of_torch(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        text = archive.read(name).decode()
    (asked,) = re.findall(r"^Requires-Dist: torch(.*)$", text, re.MULTILINE)
    assert asked == "<2.14,>=2.13"
    assert "License-Expression: MIT" in text


def test_the_installed_package_is_imported_and_its_command_starts(environment, tmp_path):
    where = "import upwind; print(upwind.__file__, upwind.UNet.__name__)"
    said = run(environment / "bin/python", "-c", where, cwd=tmp_path)
    assert said.startswith(str(environment))
    assert "Usage: upwind" in run(environment / "bin/upwind", "--help", cwd=tmp_path)
    asked = run(environment / "bin/upwind", "audit", "--help", cwd=tmp_path)
    assert "Usage: upwind audit" in asked
