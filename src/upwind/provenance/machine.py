"""Where a job ran: host, processor, accelerator, and the state of the checkout."""

import functools
import os
import platform
import shutil
import subprocess
from pathlib import Path

from upwind.common.same_bits import held, widest_vectors


@functools.cache
def machine() -> dict[str, object]:
    """Host, operating system, processor, cores and Python of this process; ``instructions``: the
    widest vectors that the processor has, and by which variables libraries are ``held`` to AVX2
    (:mod:`upwind.common.same_bits`)."""
    return {
        "host": platform.node(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "instructions": widest_vectors(),
        "held": held(os.environ),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def accelerators() -> list[str]:
    """Names of the GPUs that this job may use; empty without NVIDIA's driver."""
    names = _all_accelerators()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return list(names.values())
    return [names[index] for index in visible.split(",") if index in names]


def scheduler_job() -> str | None:
    """SLURM's number of this job, None outside SLURM."""
    return os.environ.get("SLURM_JOB_ID")


@functools.cache
def checkout(folder: str) -> dict[str, str | bool] | None:
    """Git commit of ``folder`` and whether tracked or new files differ from it (``dirty``); None
    where it is no git checkout."""
    commit = _said(["git", "-C", folder, "rev-parse", "HEAD"]).strip()
    if not commit:
        return None
    changes = _said(["git", "-C", folder, "status", "--porcelain"])
    return {"commit": commit, "dirty": bool(changes.strip())}


@functools.cache
def _all_accelerators() -> dict[str, str]:
    query = ["nvidia-smi", "--query-gpu=index,name", "--format=csv,noheader"]
    return dict(line.split(", ", 1) for line in _said(query).splitlines() if ", " in line)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _said(command: list[str]) -> str:
    """What a command prints; nothing where it is missing or fails."""
    if shutil.which(command[0]) is None:
        return ""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout if result.returncode == 0 else ""
