"""A small run of the whole workflow, on this machine's processor and on an emulated one: every file
of its results is the same, byte for byte.

Run with ``make test-machines``; it takes the best part of an hour on two cores.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "same_bits"))
from emulator import EMULATOR, NATIVE, PROCESSORS, is_there, python_on

from recorded_runs import SETTINGS  # emulated, a patient of its phantom takes minutes
from upwind.common.same_bits import processor_can

REPOSITORY = Path(__file__).resolve().parents[2]
# What tells when and where a job ran, or is drawn.
APART = ("logs", "records")
DRAWN = (".png", ".svg", ".pdf", ".html")
# Snakemake itself may run on the processor as it is: what computes are its jobs' scripts. The
# emulator ends at NumPy's sort for AVX2, so that neither run has it (tests/same_bits/computed.py).
PYTHON = """\
#!/bin/sh
export PYTHONPATH={sources}:{packages}:{here}
case "$1" in
  -*) exec {native} "$@" ;;
  *) NPY_DISABLE_CPU_FEATURES="$NPY_DISABLE_CPU_FEATURES X86_V3" exec {command} "$@" ;;
esac
"""

pytestmark = [
    pytest.mark.skipif(not processor_can(), reason="not an x86-64 processor with AVX2 under Linux"),
    pytest.mark.skipif(not is_there(), reason=f"no {EMULATOR} (Debian's qemu-user) here"),
]


def run_on(processor, folder):
    """Run the workflow in ``folder``, its jobs' scripts on ``processor``; return its results."""
    folder.mkdir()
    command, environment = python_on(processor)
    sources, packages = environment["PYTHONPATH"].split(os.pathsep)
    python = folder / "python"
    python.write_text(
        PYTHON.format(
            sources=sources,
            packages=packages,
            here=folder,
            native=command[-1],
            command=shlex.join(command),
        )
    )
    python.chmod(0o755)
    # For what Snakemake starts in turn.
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.executable = {str(python)!r}\n")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(SETTINGS))
    snakemake = [python, "-m", "snakemake", "--snakefile", REPOSITORY / "workflow/Snakefile"]
    cores = os.environ.get("CORES", "2")
    said = subprocess.run(
        [*snakemake, "--directory", folder, "--cores", cores, "--configfile", "tiny.yaml"],
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
    """A file's bytes; of a training's curves without the seconds that it took."""
    if path.name == "curves.csv":
        return pd.read_csv(path, dtype=str).drop(columns="seconds").to_csv().encode()
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
def here(tmp_path_factory):
    """Results on this machine's processor."""
    return run_on(NATIVE, tmp_path_factory.mktemp("machines") / NATIVE)


@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_file_is_the_same(processor, here, tmp_path):
    there = run_on(processor, tmp_path / processor)
    for ours, theirs in zip(map(contents, here), map(contents, there), strict=True):
        assert ours.keys() == theirs.keys()
        assert len(ours) > 3
        assert [name for name in ours if ours[name] != theirs[name]] == []


def test_jobs_were_held(here):
    records = [json.loads(path.read_text()) for path in here[0].glob("records/*/*.json")]
    assert len(records) > 50
    assert all(record["machine"]["held"] for record in records)
