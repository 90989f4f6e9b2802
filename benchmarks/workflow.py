"""Seconds of a dry run and of a run with nothing to do, for a data set of LiTS' size.

Empty volumes stand for the 131 cases and a line of text for each result, so that only Snakemake,
and what the rules compute while they are read, takes time. `make bench` runs it.
"""

import argparse
import contextlib
import functools
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np

from upwind.audit.plan import ask_workflow
from upwind.common.snakemake import PlannedJob
from upwind.provenance.recorder import Job, recorded

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIG = REPOSITORY / "config/lits.yaml"
RESULTS = "results/lits"
CASES, FOLDS = 131, 5
# Lines of a fold's split: the slices of its training patients that show liver, about 19,000 in all.
SPLIT_LINES = 15_000


def main() -> None:
    """Print the jobs of a LiTS run by rule, and the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder)
        jobs = plan(folder)
        print_jobs(jobs)
        bare = [sys.executable, "-c", "import snakemake.cli"]
        print_best("Python and the import of Snakemake", given.rounds, lambda: run(bare))
        measure(folder, "dry run from nothing", given.rounds, ["--dry-run"])
        finish(folder, jobs)
        for arguments in (["--dry-run"], []):
            for profile in ([], ["--profile", "slurm"]):
                what = " ".join(["nothing to do:", *arguments, *profile])
                measure(folder, what, given.rounds, [*arguments, *profile], nothing=True)


def lay_out(folder: Path) -> None:
    """A folder with the configuration, the profiles, and volumes that hold nothing."""
    for name in ("config", "workflow", "slurm"):
        (folder / name).symlink_to(REPOSITORY / name)
    data = folder / "data/lits"
    data.mkdir(parents=True)
    for name, dtype in (("volume", np.int16), ("segmentation", np.uint8)):
        content = nib.Nifti1Image(np.zeros((4, 4, 4), dtype), np.eye(4)).to_bytes()
        for case in range(CASES):
            (data / f"{name}-{case}.nii").write_bytes(content)


def plan(folder: Path) -> list[PlannedJob]:
    """Every job of the run."""
    return ask_workflow(
        folder, REPOSITORY / "workflow/Snakefile", CONFIG.read_text(encoding="utf-8")
    )


def print_jobs(jobs: list[PlannedJob]) -> None:
    """How many jobs each rule has."""
    counts = Counter(job.rule for job in jobs)
    for rule, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{rule:44s} {count:4d} jobs")
    print(f"{'all':44s} {len(jobs):4d} jobs")


def finish(folder: Path, jobs: list[PlannedJob]) -> None:
    """Write every output, have Snakemake take note of them, and keep a record of every job."""
    for job in jobs:
        for output in job.outputs:
            _write_output(folder / output, job)
    command(folder, ["--touch"])
    with contextlib.chdir(folder):
        for job in jobs:
            paths = (job.inputs, job.outputs, [])
            script = script_of(job.rule)
            named = Job(RESULTS, job.rule, job.wildcards, *paths, job.params, script, "")
            with recorded(replace(named, order_only=job.order_only)):
                pass


def script_of(rule: str) -> Path:
    """The script of a rule, or of the rule that it is made from (``use rule A as B``)."""
    return REPOSITORY / f"workflow/scripts/{_made_from().get(rule, rule)}.py"


@functools.cache
def _made_from() -> dict[str, str]:
    rules = "\n".join(path.read_text() for path in REPOSITORY.glob("workflow/rules/*.smk"))
    return {new: old for old, new in re.findall(r"^use rule (\w+) as (\w+)", rules, re.M)}


def _write_output(path: Path, job: PlannedJob) -> None:
    if path.name in ("unseen", "heldout"):
        cases = CASES // FOLDS if path.name == "unseen" else CASES - CASES // FOLDS
        path.mkdir(parents=True)
        for case in range(cases):
            (path / f"segmentation-{case}.nii.gz").write_text("")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = {"cases.txt": map(str, range(CASES))}.get(path.name, [job.rule])
    if "split" in job.rule:
        lines = ["0,1,2,train"] * SPLIT_LINES
    path.write_text("\n".join(lines) + "\n")


def measure(
    folder: Path, what: str, rounds: int, arguments: list[str], nothing: bool = False
) -> None:
    """Print the seconds of the best round. ``nothing`` means that nothing must be to be done."""

    def once() -> None:
        said = command(folder, arguments)
        if nothing and "Nothing to be done" not in said:
            raise SystemExit(f"there was something to do:\n{said[-3000:]}")

    print_best(what, rounds, once)


def command(folder: Path, arguments: list[str]) -> str:
    """What Snakemake says to the command that a user types."""
    typed = ["--cores", "8", "--configfile", str(CONFIG), *arguments]
    given = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(REPOSITORY / "workflow/Snakefile"),
    ]
    return run([*given, "--directory", str(folder), *typed], folder)


def run(arguments: list[str], folder: Path | None = None) -> str:
    """Output of a command; ends with it where the command fails."""
    done = subprocess.run(
        arguments, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout[-3000:]}")
    return done.stdout


def print_best(what: str, rounds: int, work: Callable[[], object]) -> None:
    """Seconds, and seconds of CPU, of the fastest round: what else a machine does can only slow one
    down, and shows in the difference of the two."""
    seconds = []
    for _ in range(rounds):
        start, cpu = time.perf_counter(), _cpu_of_children()
        work()
        seconds.append((time.perf_counter() - start, _cpu_of_children() - cpu))
    wall, cpu = min(seconds)
    print(f"{what:44s} {wall:6.1f} s {cpu:6.1f} s of CPU", flush=True)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
