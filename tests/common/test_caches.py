"""Places that cannot be written, notebooks, and terminals that are not UTF-8."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from upwind.common import caches
from upwind.common.caches import private_folder, settle, show_anywhere

SOURCES = Path(__file__).resolve().parents[2] / "src"
SETPRIV = shutil.which("setpriv")


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """An empty TMPDIR."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(caches.tempfile, "tempdir", str(folder))
    private_folder.cache_clear()
    yield folder
    private_folder.cache_clear()


def test_a_home_that_can_be_written_is_left_alone(tmp_path):
    environment = {"HOME": str(tmp_path), "MPLBACKEND": "module://matplotlib_inline"}
    settle(environment)
    assert environment == {"HOME": str(tmp_path), "MPLBACKEND": "agg"}


def test_caches_go_where_they_can_be_written(temporary, monkeypatch, caplog):
    monkeypatch.setattr(caches.os, "access", lambda path, mode: False)
    environment = {"HOME": "/home/x", "XDG_CACHE_HOME": "/cache"}
    settle(environment)
    own = temporary / f"upwind-{os.getuid()}"
    assert environment["MPLCONFIGDIR"] == str(own / "matplotlib")
    assert environment["XDG_CACHE_HOME"] == str(own / "libraries")
    assert own.stat().st_mode & 0o777 == 0o700
    settle(environment)
    assert len(caplog.records) == 2


def test_a_folder_that_others_can_write_is_not_used(temporary):
    """What is read from a cache is executed."""
    own = temporary / f"upwind-{os.getuid()}"
    own.mkdir()
    own.chmod(0o777)
    found = private_folder("numba")
    assert found.is_dir()
    assert found.parent == temporary
    assert found != own


@pytest.mark.parametrize(
    ("encoding", "shown"), [("latin-1", b"3 \xd7 4 ?"), ("ascii", b"3 ? 4 ?"), ("utf-8", None)]
)
def test_a_terminal_that_is_not_utf8(monkeypatch, encoding, shown):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    show_anywhere()
    stream.write("3 × 4 …")
    stream.flush()
    assert stream.buffer.getvalue() == (shown or "3 × 4 …".encode())


@pytest.mark.skipif(os.getuid() != 0 or SETPRIV is None, reason="needs root and setpriv")
def test_sources_and_home_that_cannot_be_written(tmp_path):
    """A shared installation, or a container with another user: functions are compiled all the
    same, with one warning."""
    shutil.copytree(SOURCES, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "home").mkdir()
    for folder, _, _ in os.walk(tmp_path / "src"):
        Path(folder).chmod(0o555)
    (tmp_path / "home").chmod(0o555)
    (tmp_path / "tmp").mkdir()
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}
    environment |= {"PYTHONPATH": str(tmp_path / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    program = "import numpy as np; from upwind.scores.distances import nearest_distances as near;"
    program += "m = np.ones((2, 2, 2), bool); print(near(m, m, (1.0, 1.0, 1.0)).sum())"
    command = [SETPRIV, "--bounding-set=-dac_override,-dac_read_search,-fowner"]
    done = subprocess.run(
        [*command, sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "0.0\n"), done.stderr
    assert done.stderr.count("the cache of numba is in") == 1
    assert list((tmp_path / "tmp").rglob("*.nbi"))


def test_everything_is_compiled_in_one_way():
    """Numba alone ends where it cannot write its cache."""
    compiled = {path for path in SOURCES.rglob("*.py") if "njit(" in path.read_text()}
    assert compiled == {SOURCES / "upwind/common/compiled.py"}
