"""Asking SLURM whether it knows a site's names at the start of a run, not after hours of it."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from upwind.common.errors import UpwindError

# The profile's names for what sbatch is asked for.
_OPTIONS = {
    "slurm_partition": "partition",
    "slurm_account": "account",
    "gpu": "gpus",
    "gres": "gres",
    "constraint": "constraint",
    "qos": "qos",
}
_FILE = "slurm/config.yaml (config/README.md explains them)"


def check_site(kinds: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Ask SLURM for a trial of each kind of job, by what it is for: its resources by the profile's
    names. Nothing is submitted.

    Returns warnings: what SLURM has against such a job now, as with all nodes down. Raises
    UpwindError where there is no SLURM, or where it will never take such a job.
    """
    if shutil.which("sbatch") is None:
        raise UpwindError(
            "there is no sbatch on this machine: start the run on a node of a SLURM cluster that "
            "can submit jobs, or without --profile slurm"
        )
    warnings = []
    for purpose, resources in kinds.items():
        refusal = _refusal(resources)
        if re.search("invalid", refusal, re.IGNORECASE):
            raise UpwindError(
                f"SLURM refuses a job for {purpose}: {refusal}; mend the names in {_FILE}"
            )
        if refusal:
            warnings.append(
                f"Warning: SLURM would not start a job for {purpose} now: {refusal}; if that is "
                f"for good, mend the names in {_FILE}"
            )
    return warnings


def _refusal(resources: Mapping[str, object]) -> str:
    """What sbatch says against such a job; empty where it takes it."""
    named = {name: resources.get(name) for name in _OPTIONS}
    if model := resources.get("gpu_model"):
        named["gpu"] = f"{model}:{named['gpu'] or 1}"
    command = ["sbatch", "--test-only", "--ntasks=1", "--time=10", "--mem=1000", "--wrap=true"]
    command += [f"--{_OPTIONS[name]}={value}" for name, value in named.items() if value]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else " ".join(done.stderr.split())


def look_first_in(programs: Path) -> None:
    """Let this process and those that it starts find commands in ``programs`` before others."""
    os.environ["PATH"] = os.pathsep.join([str(programs), os.environ["PATH"]])
