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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from upwind.common.errors import UpwindError

# As in workflow/profiles/default: code counts by the parameter "code".
_TRIGGERS = ("mtime", "input", "params", "software-env")
# Snakemake's words.
_FOLLOWS, PARAMS = "input files updated by another job", "params have changed since last execution"
_LINES = 20  # of a complaint
_LONGEST = 300  # of a reason: changed parameters are told in full, and can fill a page


@dataclass(frozen=True)
class PlannedJob:
    """A job that the configuration asks for. ``causes`` are the sorts of reasons why it would run,
    in Snakemake's words, none where there is nothing to do; ``reason`` is all it says of them, if
    that is not too long."""

    rule: str
    wildcards: dict[str, str]
    inputs: list[str]
    outputs: list[str]
    order_only: list[str]
    params: dict[str, Any]
    causes: list[str]
    reason: str = ""

    @property
    def follows(self) -> bool:
        """Would it run only because a job before it would?"""
        return self.causes == [_FOLLOWS]


def ask_workflow(root: Path, snakefile: Path, config: str) -> list[PlannedJob]:
    """All jobs that lead to the results of ``config`` (YAML), whether or not they would run again.

    Nothing is run or written in ``root``, the folder that the workflow ran in. Raises UpwindError
    with Snakemake's words where it cannot plan.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, configfile = Path(folder, "plan.json"), Path(folder, "config.yaml")
        configfile.write_text(config, encoding="utf-8")
        command = [sys.executable, "-m", "upwind.audit.plan", str(out), "--dry-run", "--quiet"]
        command += ["--snakefile", str(snakefile), "--directory", str(root), "--nolock"]
        command += ["--cores", "1", "--configfile", str(configfile), "--workflow-profile", "none"]
        command += ["--rerun-triggers", *_TRIGGERS]
        # The checkout's own package, as its jobs use.
        environment = os.environ | {"PYTHONPATH": str(snakefile.parent / "src")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if not out.exists():
            raise UpwindError(
                _said(done.stdout + done.stderr) or f"it ended with exit code {done.returncode}"
            )
        return [PlannedJob(**job) for job in json.loads(out.read_text(encoding="utf-8"))]


def _said(printed: str) -> str:
    """What Snakemake complains of, without its notes and the way to the line."""
    lines = [line for line in printed.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("Config file ", "  File "))]
    return "\n".join(lines[-_LINES:])


def main(out: str, *arguments: str) -> None:
    """Run Snakemake with ``arguments`` and write its plan to ``out``."""
    from snakemake.cli import main as snakemake
    from snakemake.workflow import Workflow

    # Snakemake has no public way to list the jobs that need not run, with their parameters.
    build = Workflow._build_dag

    def build_and_tell(workflow: Workflow) -> None:
        build(workflow)
        jobs = [asdict(_planned(workflow.dag, job)) for job in workflow.dag.jobs if job.output]
        Path(out).write_text(json.dumps(jobs, default=str), encoding="utf-8")

    Workflow._build_dag = build_and_tell
    snakemake(list(arguments))


def _planned(dag: Any, job: Any) -> PlannedJob:
    reason = dag.reason(job) if dag.needrun(job) else None
    told = "" if reason is None else str(reason)
    return PlannedJob(
        rule=job.rule.name,
        wildcards={name: str(value) for name, value in job.wildcards.items()},
        inputs=[str(path) for path in job.input],
        outputs=[str(path) for path in job.output],
        order_only=[str(path) for path in job.input if path.flags.get("ancient")],
        params=dict(job.params.items()),
        causes=[] if reason is None else list(reason.get_names()),
        reason=told if len(told) < _LONGEST else "",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
