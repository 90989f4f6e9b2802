"""Provenance for a Snakemake workflow, all its rules at once, so that none can forget."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from upwind.provenance.fingerprint import remember
from upwind.provenance.recorder import Job, recorded, recording, script_version
from upwind.provenance.staleness import untrusted

# From the name of a rule and a job's wildcards to the modules that it imports by name.
ReachedBy = Callable[[str, Mapping[str, str]], list[str]]


def record_rules(
    rules: Iterable[Any],
    basedir: Path,
    folder_of: Callable[[list[str]], str],
    reached_by: ReachedBy,
) -> None:
    """Let every job of ``rules`` (Snakemake's) leave a record, and give every rule the parameter
    ``code``, so that it runs again when code changes that it can reach.

    ``folder_of`` says where the records of a job with these outputs belong, ``reached_by`` which
    modules a job of this rule with these wildcards imports by name, where no import statement
    shows them.
    """
    remember()
    for rule in rules:
        if not rule.norun:
            script = _script(rule)
            describe = _describe(rule, script, basedir, folder_of, reached_by)
            rule.run_func = recording(rule.run_func, describe)
            rule.set_params(code=_version_for(rule.name, script, reached_by))


def _version_for(rule: str, script: Path, reached_by: ReachedBy) -> Callable[[Any], str]:
    """The parameter ``code`` as Snakemake evaluates it, job by job."""
    versions: dict[tuple[str, ...], str] = {}

    def version(wildcards: Any) -> str:
        also_reaches = tuple(reached_by(rule, dict(wildcards.items())))
        if also_reaches not in versions:
            versions[also_reaches] = script_version(script, also_reaches)
        return versions[also_reaches]

    return version


def distrust(workflow: Any, folders: Iterable[Path]) -> None:
    """Make again, in a run or a dry run, what :func:`untrusted` finds among the files that the run
    wants, and say so."""
    reasons = untrusted(folders)
    # Snakemake has no public way to name files to make again that are no targets of the run, and
    # sets its own once the Snakefile has been read; a test holds this to the pinned version.
    build = workflow._build_dag

    def build_with_distrust() -> None:
        # Code counts by way of the parameter "code", without comments and formatting.
        triggers = workflow.dag_settings.rerun_triggers
        workflow.dag_settings.rerun_triggers = {t for t in triggers if t.name != "CODE"}
        dag = workflow.dag
        dag.forcefiles = {*dag.forcefiles, *reasons}
        dag.bfs = _past_ancient(dag, dag.bfs)
        build()
        _tell(workflow, reasons)

    workflow._build_dag = build_with_distrust


def _past_ancient(dag: Any, bfs: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Snakemake's walk through its job graph, without steps over inputs marked ``ancient``.

    Snakemake does not look at what lies behind a job that runs, since it follows; behind an
    ancient input nothing follows, so a change of its own would be overlooked.
    """

    def walk(direction: Any, *jobs: Any, **named: Any) -> Iterator[Any]:
        if direction is not dag.depending:
            yield from bfs(direction, *jobs, **named)
            return
        found, queue = set(jobs), list(jobs)
        while queue:
            job = queue.pop()
            yield job
            for follower, files in direction[job].items():
                if follower not in found and not all(path.is_ancient for path in files):
                    found.add(follower)
                    queue.append(follower)

    return walk


def recorded_report(
    folder: str, shown: Iterable[str], basedir: str
) -> AbstractContextManager[None]:
    """The record of the report of ``folder``, which no rule makes: around the call that makes it
    from the results that it shows."""
    return recorded(
        Job(
            folder=folder,
            rule="report",
            wildcards={},
            inputs=[str(path) for path in shown],
            outputs=[f"{folder}/report.html"],
            logs=[f"{folder}/logs/report.log"],
            params={},
            script=None,
            checkout=basedir,
        )
    )


def _tell(workflow: Any, reasons: Mapping[str, str]) -> None:
    from snakemake.logging import logger

    for job in workflow.dag.needrun_jobs():
        for reason in sorted({reasons[path] for path in job.output if path in reasons}):
            logger.info(f"{job.rule.name} runs again: {reason}")


def _script(rule: Any) -> Path:
    if rule.script is None:
        raise ValueError(f"rule {rule.name} has no script, so that its code cannot be followed")
    return (Path(rule.basedir.get_path_or_uri(secret_free=True)) / rule.script).resolve()


def _describe(
    rule: Any,
    script: Path,
    basedir: Path,
    folder_of: Callable[[list[str]], str],
    reached_by: ReachedBy,
) -> Callable[..., Job]:
    """From the arguments that Snakemake hands to a rule's function to the job of a record."""

    def describe(input, output, params, wildcards, threads, resources, log, *others) -> Job:
        outputs = [str(path) for path in output]
        named = {name: str(value) for name, value in wildcards.items()}
        return Job(
            folder=folder_of(outputs),
            rule=rule.name,
            wildcards=named,
            inputs=[str(path) for path in input],
            outputs=outputs,
            logs=[str(path) for path in log],
            params=dict(params.items()),
            script=script,
            checkout=str(basedir),
            also_reaches=reached_by(rule.name, named),
            threads=threads,
            # Snakemake hands `input` over as plain strings, without what the rule says of them.
            order_only=[str(path) for path in rule.expand_input(named)[0] if _ancient(path)],
        )

    return describe


def _ancient(path: Any) -> bool:
    return bool(getattr(path, "flags", {}).get("ancient"))
