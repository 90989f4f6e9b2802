"""Provenance for a Snakemake workflow, all its rules at once, so that none can forget."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from upwind.common.snakemake import (
    RunningJob,
    add_param,
    after_planning,
    ignore_edited_scripts,
    jobs_to_run,
    look_behind_ancient,
    make_again,
    make_incomplete_again,
    rules_with_jobs,
    run_within,
    script_of,
)
from upwind.provenance.dates import restore_dates
from upwind.provenance.fingerprint import remember
from upwind.provenance.recorder import Job, recorded, script_version
from upwind.provenance.records import REPORT, records_below
from upwind.provenance.staleness import untrusted

# From the name of a rule and a job's wildcards to the modules that it imports by name.
ReachedBy = Callable[[str, Mapping[str, str]], list[str]]


def record_rules(
    workflow: Any,
    checkout: Path,
    folder_of: Callable[[list[str]], str],
    reached_by: ReachedBy,
) -> None:
    """Let every job of the ``workflow`` (Snakemake's) leave a record, and give every rule the
    parameter ``code``, so that it runs again when code changes that it can reach.

    ``checkout`` is the folder whose commit the records name. ``folder_of`` says where the records
    of a job with these outputs belong, ``reached_by`` which modules a job of this rule with these
    wildcards imports by name, where no import statement shows them. Rules of another workflow that
    uses ours as a module are left as they are.
    """
    remember()
    for rule in rules_with_jobs(workflow):
        script = script_of(rule)
        run_within(rule, _record_of(script, str(checkout), folder_of, reached_by))
        add_param(rule, "code", _version_for(rule.name, script, reached_by))


def _record_of(
    script: Path, checkout: str, folder_of: Callable[[list[str]], str], reached_by: ReachedBy
) -> Callable[[RunningJob], AbstractContextManager[None]]:
    """The record around a job of a rule with this script."""

    def record(job: RunningJob) -> AbstractContextManager[None]:
        return recorded(
            Job(
                folder=folder_of(job.outputs),
                rule=job.rule,
                wildcards=job.wildcards,
                inputs=job.inputs,
                outputs=job.outputs,
                logs=job.logs,
                params=job.params,
                script=script,
                checkout=checkout,
                also_reaches=reached_by(job.rule, job.wildcards),
                threads=job.threads,
                order_only=job.order_only,
            )
        )

    return record


def _version_for(
    rule: str, script: Path, reached_by: ReachedBy
) -> Callable[[Mapping[str, str]], str]:
    """The parameter ``code`` of a rule's jobs, by their wildcards."""
    versions: dict[tuple[str, ...], str] = {}

    def version(wildcards: Mapping[str, str]) -> str:
        also_reaches = tuple(reached_by(rule, wildcards))
        if also_reaches not in versions:
            versions[also_reaches] = script_version(script, also_reaches)
        return versions[also_reaches]

    return version


def distrust(workflow: Any, folders: Iterable[Path]) -> None:
    """Make again, in a run or a dry run, what :func:`untrusted` finds among the files that the run
    wants, and say so; and what a killed job left incomplete. What was copied gets its dates back
    first, since a date alone is no reason."""
    folders = list(folders)
    records = records_below(folders)
    restore_dates(records)
    reasons = untrusted(folders, records)
    # Code counts by way of the parameter "code", without comments and formatting.
    ignore_edited_scripts(workflow)
    make_incomplete_again(workflow)
    make_again(workflow, reasons)
    look_behind_ancient(workflow)
    after_planning(workflow, lambda: _tell(workflow, reasons))


def _tell(workflow: Any, reasons: Mapping[str, str]) -> None:
    from snakemake.logging import logger

    for rule, outputs in jobs_to_run(workflow):
        for reason in sorted({reasons[path] for path in outputs if path in reasons}):
            logger.info(f"{rule} runs again: {reason}")


def recorded_report(
    folder: str, shown: Iterable[str], checkout: str
) -> AbstractContextManager[None]:
    """The record of the report of ``folder``, which no rule makes: around the call that makes it
    from the results that it shows."""
    return recorded(
        Job(
            folder=folder,
            rule=REPORT,
            wildcards={},
            inputs=[str(path) for path in shown],
            outputs=[f"{folder}/report.html"],
            logs=[f"{folder}/logs/report.log"],
            params={},
            script=None,
            checkout=checkout,
        )
    )
