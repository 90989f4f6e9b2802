"""Records against what the workflow asks for: jobs, parameters, inputs, and nothing left to do."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from upwind.audit.findings import Checked, Finding, FindingKind, broken
from upwind.audit.provenance_graph import RecordedRun, within
from upwind.common.snakemake import DATES, PARAMS, PlannedJob
from upwind.common.wording import first_few
from upwind.provenance.records import Record

_AGAIN = "run the workflow again"
_SHOWN = 3


def planned_records(run: RecordedRun, plan: Iterable[PlannedJob]) -> dict[str, PlannedJob]:
    """The jobs of a plan by the name of the record that each leaves."""
    return {
        run.record_name(job.rule, job.wildcards, _folder(run, job.outputs)): job for job in plan
    }


def _folder(run: RecordedRun, outputs: Iterable[str]) -> str:
    """Where a job's record is kept: with the results, or beside the data that it makes."""
    for folder in (run.home, *run.sources):
        if any(within(path, folder) for path in outputs):
            return folder
    return str(PurePosixPath(next(iter(outputs))).parent)


def check_plan(
    run: RecordedRun, jobs: Mapping[str, PlannedJob], explained: Collection[str] = ()
) -> Checked:
    """Records against the jobs that the configuration asks for, by name of the record: none may be
    missing, parameters and inputs must be the same, and nothing may be left to do.

    What is ``explained`` (records, or files of jobs that have a finding already) gets none for
    having to be made again.
    """
    findings: list[Finding] = []
    known = set(explained)
    for name, job in jobs.items():
        record = run.records.get(name)
        if record is None and name not in run.damaged:
            message = f"{_named(job)} left no record: it did not run to its end, or it was removed"
            affects = sorted({*job.outputs, *run.downstream(job.outputs)})
            findings.append(broken(FindingKind.missing_record, name, message, _AGAIN, affects))
        elif record is not None:
            findings += _differences(run, name, record, job)
            if not known & {name, *record.outputs}:
                findings += _other_code(run, name, record, job)
    known |= {path for f in findings for path in (f.path, *f.affects)}
    for name, job in jobs.items():
        if job.causes and not job.follows and not known & {name, *job.outputs}:
            if job.causes == [PARAMS] and _same_params(run.records.get(name), job):
                continue  # in another order
            if job.causes == [DATES] and name in run.records:
                continue  # a copy has other dates: what was read is what is there, by its hash
            why = job.reason or ", ".join(job.causes)
            message = f"the workflow would run {_named(job)} again: {why}"
            affects = run.downstream(job.outputs)
            findings.append(broken(FindingKind.workflow, job.outputs[0], message, _AGAIN, affects))
    return Checked(tuple(findings), {"planned_jobs": len(jobs)})


def _differences(run: RecordedRun, name: str, record: Record, job: PlannedJob) -> Iterator[Finding]:
    affects = run.fallen([name])
    then, now = _flat(record.params), _flat(job.params)
    others = [key for key in sorted(then.keys() | now.keys()) if then.get(key) != now.get(key)]
    if others:
        told = "; ".join(_told(key, then, now) for key in others[:_SHOWN])
        more = f"; and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        message = f"{record.name} ran with other parameters: {told}{more}"
        yield broken(FindingKind.parameter, name, message, _AGAIN, affects)
    for what, there, asked in (
        ("read", set(record.inputs), set(job.inputs)),
        ("wrote", set(record.declared), set(job.outputs)),
        ("only waited for", set(record.order_only), set(job.order_only)),
    ):
        extra = sorted(p for p in there if not any(within(p, a) for a in asked))
        lacking = sorted(a for a in asked if not any(within(p, a) for p in there))
        if extra or lacking:
            message = (
                f"{record.name} {what} {_some(extra)}; the configuration says {_some(lacking)}"
            )
            yield broken(FindingKind.link, name, message, _AGAIN, affects)


def _other_code(run: RecordedRun, name: str, record: Record, job: PlannedJob) -> Iterator[Finding]:
    """Every module and package that a record names is what it was: does it name all of them?"""
    stated, asked = record.params.get("code"), job.params.get("code")
    if None not in (stated, asked) and stated != asked:
        message = f"the code of {_named(job)} reaches other modules or packages than it names"
        yield broken(FindingKind.record, name, message, _AGAIN, run.fallen([name]))


def _same_params(record: Record | None, job: PlannedJob) -> bool:
    return (
        record is not None
        and record.params.get("code") == job.params.get("code")
        and _flat(record.params) == _flat(job.params)
    )


def _flat(params: Mapping[str, Any]) -> dict[str, str]:
    """Settings by their full name (``unet.epochs``), as JSON, but for the code's version."""

    def settings(name: str, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, dict) and value:
            for key, part in value.items():
                yield from settings(f"{name}.{key}" if name else key, part)
        else:
            yield name, json.dumps(value, sort_keys=True)

    plain = json.loads(json.dumps(dict(params), default=str))  # as a record holds them
    plain.pop("code", None)
    return dict(settings("", plain)) if plain else {}


def _told(key: str, then: Mapping[str, str], now: Mapping[str, str]) -> str:
    if key not in then:
        return f"{key} was not set and is {now[key]} now"
    if key not in now:
        return f"{key} was {then[key]} and is not set now"
    return f"{key} was {then[key]} and is {now[key]} now"


def _some(paths: list[str]) -> str:
    return first_few(paths, _SHOWN) or "otherwise"


def _named(job: PlannedJob) -> str:
    return " ".join([job.rule, *(f"{key}={value}" for key, value in job.wildcards.items())])
