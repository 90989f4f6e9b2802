"""A small run of the whole workflow, on this machine's processor and on emulated ones: every file
of its results is the same, byte for byte.

Run with ``make test-machines``. What was made is kept in ``.cache/machines``, so that a run that
was stopped goes on; delete the folder to begin anew.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "same_bits"))
from emulator import EMULATOR, NATIVE, PROCESSORS, is_there, python_on

from recorded_runs import SETTINGS as TINY
from upwind.common.same_bits import hold, processor_can
from upwind.reproduction.set_apart import COLUMNS

REPOSITORY = Path(__file__).resolve().parents[2]
KEPT = REPOSITORY / ".cache/machines"
# Of the first 60 phantoms the one whose two patients have the fewest voxels: emulated, each takes
# minutes.
SETTINGS = TINY | {"dataset": TINY["dataset"] | {"phantom_seed": 12}}
# What tells when and where a job ran, or is drawn; times in tables are COLUMNS.
APART = ("logs", "records")
DRAWN = (".png", ".svg", ".pdf", ".html")
# What jobs that compute load. Emulated, that takes the better part of a minute, so it is done once:
# each job is a fork of the process that did (tests/preloaded.py).
LIBRARIES = (
    "nibabel",
    "numba",
    "optuna",
    "pandas",
    "safetensors.torch",
    "scipy.fft",
    "scipy.ndimage",
    "scipy.stats",
    "SimpleITK",
    "skfmm",
    "sklearn.cluster",
    "sklearn.decomposition",
    "sklearn.metrics",
    "snakemake.script",
    "torch",
)
# Snakemake itself, and jobs that draw, may run on the processor as it is.
PYTHON = """\
#!/bin/sh
export PYTHONPATH={paths}
case "$1" in
  -* | *.draw_*) exec {native} "$@" ;;
  *) exec {computing} "$@" ;;
esac
"""

pytestmark = [
    pytest.mark.skipif(not processor_can(), reason="not an x86-64 processor with AVX2 under Linux"),
    pytest.mark.skipif(not is_there(), reason=f"no {EMULATOR} (Debian's qemu-user) here"),
]


@contextlib.contextmanager
def computing_on(processor):
    """An interpreter on ``processor`` that has the libraries loaded, held as jobs' are."""
    command, environment = python_on(processor)
    hold(environment)
    # The emulator ends at NumPy's sort for AVX2, so that no run has it (same_bits/computed.py).
    environment["NPY_DISABLE_CPU_FEATURES"] += " X86_V3"
    # The path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="python-") as folder:
        server = subprocess.Popen(
            [*command, REPOSITORY / "tests/preloaded.py", folder, *LIBRARIES],
            stdin=subprocess.PIPE,
            env=environment,
        )
        found = Path(folder, "python")
        while not found.exists():
            assert server.poll() is None, "it did not start"
            time.sleep(0.5)
        yield found
        server.stdin.close()
        server.wait(60)


def run_on(processor):
    """Run the workflow, or what is left of it, with jobs that compute on ``processor``; return the
    folders of its results."""
    folder = KEPT / processor
    folder.mkdir(parents=True, exist_ok=True)
    (native,), environment = python_on(NATIVE)
    python = folder / "python"
    # For what Snakemake starts in turn.
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.executable = {str(python)!r}\n")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(SETTINGS))
    snakemake = [python, "-m", "snakemake", "--snakefile", REPOSITORY / "workflow/Snakefile"]
    snakemake += ["--directory", folder, "--cores", os.environ.get("CORES", "2")]
    snakemake += ["--configfile", "tiny.yaml", "--rerun-incomplete"]
    with computing_on(processor) as computing:
        paths = f"{environment['PYTHONPATH']}:{folder}"
        python.write_text(PYTHON.format(paths=paths, native=native, computing=computing))
        python.chmod(0o755)
        said = subprocess.run(
            snakemake,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    assert said.returncode == 0, said.stdout[-5000:]
    return folder / "results/tiny", folder / "data/phantom"


def content(path):
    """A file's bytes; of a table without the times that its rows took."""
    if path.suffix == ".csv":
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        return table.drop(columns=table.columns.intersection([*COLUMNS])).to_csv().encode()
    return path.read_bytes()


def contents(folder):
    """Content by path of all that was computed."""
    return {
        str(path.relative_to(folder)): content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix not in DRAWN
        and not any(part in APART or part[0] == "." for part in path.relative_to(folder).parts)
    }


@pytest.fixture(scope="module")
def here():
    """Results on this machine's processor."""
    return run_on(NATIVE)


@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_file_is_the_same(processor, here):
    there = run_on(processor)
    for ours, theirs in zip(map(contents, here), map(contents, there), strict=True):
        assert ours.keys() == theirs.keys()
        assert len(ours) > 3
        assert [name for name in ours if ours[name] != theirs[name]] == []


def test_jobs_were_held(here):
    records = [json.loads(path.read_text()) for path in here[0].glob("records/*/*.json")]
    assert len(records) > 50
    assert all(record["machine"]["held"] for record in records)
