"""Stages of a trace: its jobs, those of one rule together that ran alike."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from upwind.audit.trace.walk import Trace
from upwind.common.wording import natural_order, ranges
from upwind.provenance.records import Record


@dataclass(frozen=True)
class Stage:
    """Jobs of one rule with the same code, packages, parameters and machine.

    ``jobs`` are their records; ``sources`` are numbers of the stages that they read from, those
    with the longest way down first.
    """

    number: int
    rule: str
    jobs: tuple[str, ...]
    sources: tuple[int, ...]


def stages(trace: Trace) -> list[Stage]:
    """The stages of a trace, from the traced file down: number n is at index n, the job that made
    the file is in number 0."""
    groups: dict[str, list[str]] = {}
    for job in trace.sources:
        groups.setdefault(_likeness(trace.record(job)), []).append(job)
    number = {job: n for n, jobs in enumerate(groups.values()) for job in jobs}
    below = {
        n: {
            number[maker]
            for job in jobs
            for maker in trace.sources[job].values()
            if maker is not None and number[maker] != n
        }
        for n, jobs in enumerate(groups.values())
    }
    depth = _depths(below)
    return [
        Stage(
            n,
            trace.record(jobs[0]).rule,
            tuple(sorted(jobs, key=lambda job: natural_order(trace.record(job).name))),
            tuple(sorted(below[n], key=lambda other: (-depth[other], other))),
        )
        for n, jobs in enumerate(groups.values())
    ]


def wildcards(records: Iterable[Record]) -> str:
    """What the jobs of a stage are about, briefly: ``unet, folds 0-4``; empty without wildcards."""
    values: dict[str, list[str]] = {}
    for record in records:
        for key, value in record.wildcards.items():
            seen = values.setdefault(key, [])
            if value not in seen:
                seen.append(value)
    return ", ".join(_named(key, values[key]) for key in sorted(values, reverse=True))


def spans(values: Iterable[str]) -> str:
    """Numbers in runs, other values one by one: ``0-3, 7, all``."""
    values = set(values)
    numbers = {value for value in values if value.isdecimal()}
    return ", ".join(filter(None, [ranges(map(int, numbers)), *sorted(values - numbers)]))


def _named(key: str, values: list[str]) -> str:
    if key in ("case", "fold"):
        return f"{key}{'s' if len(values) > 1 else ''} {spans(values)}"
    return spans(values)


def _likeness(record: Record) -> str:
    """What jobs of a stage have in common."""
    same = [
        record.rule,
        record.code,
        record.packages,
        record.params,
        record.git,
        record.machine,
        record.accelerators,
        record.threads,
        record.status,
    ]
    return json.dumps(same, sort_keys=True)


def _depths(below: Mapping[int, set[int]]) -> dict[int, int]:
    """Stages on the longest way down from each, itself included."""
    depth: dict[int, int] = {}

    def visit(stage: int, above: frozenset[int]) -> int:
        if stage not in depth:
            # Grouping could close a circle where jobs of two rules feed each other in turn.
            ways = [visit(other, above | {stage}) for other in below[stage] - above]
            depth[stage] = 1 + max(ways, default=0)
        return depth[stage]

    for stage in below:
        visit(stage, frozenset())
    return depth
