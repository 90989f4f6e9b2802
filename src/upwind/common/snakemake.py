"""Snakemake from the inside: all that is used of it beyond what its documentation promises.

Any release of Snakemake may change these parts. ``tests/common/test_snakemake.py`` says for each
function here what it relies on, and fails with that function's name where it no longer holds;
``pyproject.toml`` caps Snakemake at the releases that were tested so. Nothing else in the package
or in ``workflow/`` may touch more than is documented: the language of Snakefiles,
``workflow.current_basedir``, checkpoints, exceptions, the logger, the command line.

``workflow`` is the object of that name in a Snakefile, a rule one of its own.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Why a job runs, in Snakemake's words: as `snakemake --dry-run` prints them, in short.
FOLLOWS = "input files updated by another job"
PARAMS = "params have changed since last execution"
DATES = "updated input files"
_LONGEST = 300  # of a reason: changed parameters are told in full, and can fill a page


# ---- The run ----


def is_main_process(workflow: Any) -> bool:
    """Is this the process that the user started, rather than one that runs a job of it?"""
    return workflow.is_main_process


def submits_jobs(workflow: Any) -> bool:
    """Do jobs run elsewhere, as on a cluster? Known once the run starts."""
    return workflow.non_local_exec


def config_files(workflow: Any) -> list[str]:
    """Paths of the configuration files that were read so far: those of the command line, and those
    that the Snakefile names."""
    return [str(path) for path in workflow.configfiles]


def resources_of(workflow: Any, rule: str) -> dict[str, int | str]:
    """What the profile or the rule says of a rule's resources, without those that a function tells
    job by job, without empty ones and without Snakemake's own (``_cores``)."""
    resources = workflow.get_rule(rule).resources
    said = {name: resource.raw for name, resource in resources.items() if resource.raw}
    return {name: value for name, value in said.items() if not name.startswith("_")}


def renamed_by_module(workflow: Any, paths: Iterable[str]) -> list[str]:
    """What a ``module`` statement of another workflow makes of these rules, in its own words:
    ``prefix`` or ``replace_prefix`` where it moves one of ``paths``, ``as`` where it renames rules.
    Known while the rules are read."""
    modifier = workflow.modifier
    moved = any(modifier.path_modifier.replace_prefix(path) != path for path in paths)
    renamed = modifier.modify_rulename("rule") != "rule"
    return ["prefix"] * moved + ["as"] * renamed


# ---- Rules and their jobs ----


@dataclass(frozen=True)
class RunningJob:
    """What Snakemake hands to a job that it runs. ``order_only`` are the inputs that are marked
    ``ancient``: they have to be there first, and may be newer."""

    rule: str
    wildcards: dict[str, str]
    inputs: list[str]
    outputs: list[str]
    logs: list[str]
    params: dict[str, Any]
    threads: int
    order_only: list[str]


def rules_with_jobs(workflow: Any) -> list[Any]:
    """The rules that run something, unlike ``rule all``; those that are read so far, and of them
    the module's alone while a module of another workflow is read."""
    own = workflow.modifier.rules
    return [rule for rule in workflow.rules if rule in own and not rule.norun]


def script_of(rule: Any) -> Path:
    """The script of a rule, absolute; a copy of it where a module's rules are fetched from a host.
    Raises ValueError where it has none."""
    if rule.script is None:
        raise ValueError(f"rule {rule.name} has no script, so that its code cannot be followed")
    script = rule.basedir.join(rule.script)
    if isinstance(script, os.PathLike):
        return Path(script).resolve()
    return Path(rule.workflow.sourcecache.get_path(script))


def add_param(rule: Any, name: str, value_of: Callable[[Mapping[str, str]], Any]) -> None:
    """Give a rule a parameter more, told by its jobs' wildcards: jobs run again when it changes."""
    rule.set_params(**{name: lambda wildcards: value_of(dict(wildcards.items()))})


def run_within(rule: Any, around: Callable[[RunningJob], AbstractContextManager[None]]) -> None:
    """Run every job of a rule inside the context that ``around`` makes for it, in the process that
    runs the job: on a cluster's node, where it is one."""
    run = rule.run_func

    # The arguments are by place, and Snakemake adds some at the end from time to time.
    def run_inside(
        input: Any,
        output: Any,
        params: Any,
        wildcards: Any,
        threads: int,
        resources: Any,
        log: Any,
        *others: Any,
    ) -> None:
        named = {name: str(value) for name, value in wildcards.items()}
        job = RunningJob(
            rule=rule.name,
            wildcards=named,
            inputs=_paths(input),
            outputs=_paths(output),
            logs=_paths(log),
            params=dict(params.items()),
            threads=threads,
            # `input` is plain strings here, without what the rule says of them.
            order_only=_ancient(rule.expand_input(named)[0]),
        )
        with around(job):
            run(input, output, params, wildcards, threads, resources, log, *others)

    rule.run_func = run_inside


def _paths(files: Iterable[Any]) -> list[str]:
    return [str(path) for path in files]


def _ancient(files: Iterable[Any]) -> list[str]:
    return [str(path) for path in files if getattr(path, "flags", {}).get("ancient")]


# ---- Before and after Snakemake decides which jobs run ----
# Documented are only hooks around the run itself (onstart), which dry runs do without.


def before_planning(workflow: Any, act: Callable[[], None]) -> None:
    """Call ``act`` once Snakemake knows its settings and targets, before it looks for jobs: in a
    run, and in all that lists jobs, as a dry run does. ``snakemake --lint`` plans nothing."""
    _planning(workflow).before.append(act)


def after_planning(workflow: Any, act: Callable[[], None]) -> None:
    """Call ``act`` once Snakemake knows which jobs are to run."""
    _planning(workflow).after.append(act)


class _Planning:
    """Snakemake's planning of one workflow, and what comes around it, in order."""

    def __init__(self, build: Callable[[], None]) -> None:
        self.before: list[Callable[[], None]] = []
        self.build = build
        self.after: list[Callable[[], None]] = []

    def __call__(self) -> None:
        for act in self.before:
            act()
        self.build()
        for act in self.after:
            act()


def _planning(workflow: Any) -> _Planning:
    # Replaced once, not once for each act: an error's way through them is shown to the user.
    if not isinstance(workflow._build_dag, _Planning):
        workflow._build_dag = _Planning(workflow._build_dag)
    return workflow._build_dag


def ignore_edited_scripts(workflow: Any) -> None:
    """Let no job run again because the text of its script or rule has changed.

    The same as ``--rerun-triggers`` without ``code``, which a profile can say: this holds with any.
    """

    def ignore() -> None:
        settings = workflow.dag_settings
        settings.rerun_triggers = {t for t in settings.rerun_triggers if t.name != "CODE"}

    before_planning(workflow, ignore)


def make_incomplete_again(workflow: Any) -> None:
    """Make again what a job that was killed left incomplete, where Snakemake would stop.

    The same as ``--rerun-incomplete``, which a profile can say: this holds with any, and none.
    """

    def force() -> None:
        workflow.dag_settings.force_incomplete = True

    before_planning(workflow, force)


def make_again(workflow: Any, outputs: Collection[str]) -> None:
    """Have the jobs run that make one of ``outputs``, if the run's targets need them. Paths that no
    job makes are passed over.

    ``--forcerun`` takes files too, and makes targets of them, also where nobody asked for them.
    """

    def force() -> None:
        workflow.dag.forcefiles = {*workflow.dag.forcefiles, *outputs}

    before_planning(workflow, force)


def look_behind_ancient(workflow: Any) -> None:
    """Have Snakemake look for changes of their own in jobs whose input from a job that runs is
    marked ``ancient``.

    It does not look at what lies behind a job that runs, since that follows; behind an ancient
    input nothing follows, so that such a change is overlooked until the next run
    (https://github.com/snakemake/snakemake/issues/4166).
    """

    def replace_walk() -> None:
        workflow.dag.bfs = _past_ancient(workflow.dag, workflow.dag.bfs)

    before_planning(workflow, replace_walk)


def _past_ancient(dag: Any, bfs: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Snakemake's walk through its graph of jobs, without steps over ancient inputs."""

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


def jobs_to_run(workflow: Any) -> Iterator[tuple[str, list[str]]]:
    """Rule and outputs of each job that is to run; after planning."""
    for job in workflow.dag.needrun_jobs():
        yield job.rule.name, _paths(job.output)


# ---- Groups of jobs, each one submission to a cluster ----


def jobs_per_group(workflow: Any, name: str) -> int | None:
    """How many jobs the profile puts together in a group of this name (``group-components``); None
    where it does not say."""
    return workflow.group_settings.group_components.get(name)


def count_as(workflow: Any, group: str, name: str) -> None:
    """Let ``group``, which a rule's function chose for a job, be as large as the profile says for
    the groups called ``name``.

    Snakemake does so itself for a pattern in place of a function (``group: "checks{case}"``).
    """
    workflow.parent_groupids[group] = name


def form_groups_anew(workflow: Any) -> None:
    """Have Snakemake form its groups from the jobs that there are, each time it forms them.

    It keeps the groups that it formed, by the members that each began with, and then merges others
    into them. After a checkpoint it forms groups again, with new jobs in place of those that the
    checkpoint had a part in, finds a kept group by the members it began with, and takes over the
    old jobs that were merged into it: a job is submitted twice in one group, and where another job
    follows it, the run ends with a KeyError after its last job
    (https://github.com/snakemake/snakemake/issues/4202).
    """

    def forget_first() -> None:
        dag = workflow.dag
        update = dag.update_groups

        def update_groups() -> None:
            dag.group_job_factory.cache.clear()
            update()

        dag.update_groups = update_groups

    before_planning(workflow, forget_first)


# ---- The plan, for who is outside ----


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
        return self.causes == [FOLLOWS]


def tell_plan(arguments: Sequence[str], tell: Callable[[list[PlannedJob]], None]) -> None:
    """Run ``snakemake`` with ``arguments`` in this process, which ends with it, and call ``tell``
    with every job that makes something, whether or not it is to run.

    The documented ways to a plan tell of the jobs that run (a dry run, a logger plugin) or leave
    out parameters (``--summary``).
    """
    from snakemake.cli import main
    from snakemake.workflow import Workflow

    # In the class, as Snakemake makes the workflow itself. A Snakefile's own acts are around this.
    build = Workflow._build_dag

    def build_and_tell(workflow: Any) -> None:
        build(workflow)
        tell([_planned(workflow.dag, job) for job in workflow.dag.jobs if job.output])

    Workflow._build_dag = build_and_tell
    main(list(arguments))


def _planned(dag: Any, job: Any) -> PlannedJob:
    reason = dag.reason(job) if dag.needrun(job) else None
    told = "" if reason is None else str(reason)
    return PlannedJob(
        rule=job.rule.name,
        wildcards={name: str(value) for name, value in job.wildcards.items()},
        inputs=_paths(job.input),
        outputs=_paths(job.output),
        order_only=_ancient(job.input),
        params=dict(job.params.items()),
        causes=[] if reason is None else list(reason.get_names()),
        reason=told if len(told) < _LONGEST else "",
    )
