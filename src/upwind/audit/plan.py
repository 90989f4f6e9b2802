"""What the workflow asks for: every job with its inputs, outputs and parameters, and why it would
run again.

Snakemake itself is asked, by a dry run in a process of its own: this module is also the program
that this process runs (``python -m upwind.audit.plan OUT [snakemake's arguments]``).
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.common.snakemake import PlannedJob, tell_plan

# As in a run, whatever the user's own profile says: code counts by the parameter "code".
_TRIGGERS = ("mtime", "input", "params", "software-env")
_LINES = 20  # of a complaint
# Snakemake's folder, and what it reads there while it plans.
_OWN, _READ = ".snakemake", ("metadata", "incomplete")


def ask_workflow(
    root: Path, snakefile: Path, config: str, targets: Sequence[str] = ()
) -> list[PlannedJob]:
    """All jobs that lead to the results of ``config`` (YAML), whether or not they would run again,
    and to the files ``targets`` beside them, which no plain run makes.

    Nothing is run in ``root``, the folder that the workflow ran in, which may belong to somebody
    else. Raises UpwindError with Snakemake's words where it cannot plan.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, configfile = Path(folder, "plan.json"), Path(folder, "config.yaml")
        place = root if _can_write(root) else _linked(root, Path(folder, "linked"))
        configfile.write_text(config, encoding="utf-8")
        command = [sys.executable, "-m", "upwind.audit.plan", str(out), "all", *targets]
        command += ["--dry-run", "--quiet"]
        command += ["--snakefile", str(snakefile), "--directory", str(place), "--nolock"]
        command += ["--cores", "1", "--configfile", str(configfile), "--workflow-profile", "none"]
        command += ["--rerun-triggers", *_TRIGGERS]
        # The checkout's own package, as its jobs use.
        environment = os.environ | {"PYTHONPATH": str(snakefile.parents[1] / "src")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if not out.exists():
            raise UpwindError(
                _said(done.stdout + done.stderr) or f"it ended with exit code {done.returncode}"
            )
        return [PlannedJob(**job) for job in json.loads(out.read_text(encoding="utf-8"))]


def _can_write(root: Path) -> bool:
    """Can Snakemake keep its locks there? It makes a folder for them also where it only plans."""
    own = root / _OWN
    return os.access(own if own.exists() else root, os.W_OK)


def _linked(root: Path, place: Path) -> Path:
    """A new folder ``place``, with links to all that a plan in ``root`` reads."""
    own = place / _OWN
    own.mkdir(parents=True)
    for entry in root.iterdir():
        if entry.name != _OWN:
            (place / entry.name).symlink_to(entry.resolve())
    for name in _READ:
        if (root / _OWN / name).is_dir():
            (own / name).symlink_to((root / _OWN / name).resolve())
    return place


def _said(printed: str) -> str:
    """What Snakemake complains of, without its notes and the way to the line."""
    lines = [line for line in printed.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("Config file ", "  File "))]
    return "\n".join(lines[-_LINES:])


def main(out: str, *arguments: str) -> None:
    """Run Snakemake with ``arguments`` and write its plan to ``out``."""

    def write(plan: list[PlannedJob]) -> None:
        jobs = [asdict(job) for job in plan]
        Path(out).write_text(json.dumps(jobs, default=str), encoding="utf-8")

    tell_plan(arguments, write)


if __name__ == "__main__":
    main(*sys.argv[1:])
