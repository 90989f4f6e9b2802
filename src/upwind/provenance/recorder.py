"""Make the record of a job while it runs."""

import contextlib
import datetime
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from upwind.provenance.fingerprint import (
    combined,
    file_fingerprint,
    imported_modules,
    module_fingerprints,
    package_versions,
    refresh,
)
from upwind.provenance.hashing import FileState, files_in, state_of
from upwind.provenance.machine import accelerators, checkout, machine, scheduler_job
from upwind.provenance.records import OK, Record, record_path, write_record


@dataclass(frozen=True)
class Job:
    """What is known of a job before it runs. ``folder`` is where its record is kept."""

    folder: str
    rule: str
    wildcards: Mapping[str, str]
    inputs: Iterable[str]
    outputs: Iterable[str]
    logs: Iterable[str]
    params: Mapping[str, Any]
    script: Path | None
    checkout: str
    also_reaches: Iterable[str] = ()
    threads: int = 1
    order_only: Iterable[str] = field(default_factory=list)


def script_modules(script: Path, also_reaches: Iterable[str] = ()) -> list[str]:
    """Modules of the package that a script imports, and those that it is known to reach by name
    (``also_reaches``)."""
    return [*imported_modules(script.read_text(encoding="utf-8")), *also_reaches]


def script_code(script: Path, also_reaches: Iterable[str] = ()) -> dict[str, str]:
    """Fingerprints by name of a script and of every module of the package that it reaches."""
    modules = script_modules(script, also_reaches)
    return {script.name: file_fingerprint(script)} | module_fingerprints(modules)


def script_packages(script: Path, also_reaches: Iterable[str] = ()) -> dict[str, str]:
    """Versions of the packages that compute in a script, by distribution."""
    return package_versions(script_modules(script, also_reaches))


def script_version(script: Path, also_reaches: Iterable[str] = ()) -> str:
    """One hash of a script's code and of the versions of the packages that compute in it: what has
    to change for its jobs to run again."""
    also_reaches = list(also_reaches)
    return combined(script_code(script, also_reaches) | script_packages(script, also_reaches))


@contextlib.contextmanager
def recorded(job: Job) -> Iterator[None]:
    """Run the block as ``job`` and write its record, also where the block fails."""
    refresh()
    code = {} if job.script is None else script_code(job.script, job.also_reaches)
    packages = {} if job.script is None else script_packages(job.script, job.also_reaches)
    inputs = _states(job.inputs)
    started, clock = _now(), time.monotonic()
    status = OK
    try:
        yield
    except BaseException as error:
        status = f"failed: {type(error).__name__}"
        raise
    finally:
        seconds = time.monotonic() - clock
        record = Record(
            rule=job.rule,
            wildcards=dict(job.wildcards),
            inputs=inputs,
            outputs=_states(job.outputs),
            logs=_states(job.logs),
            declared=sorted(job.outputs),
            order_only=sorted(job.order_only),
            params=dict(job.params),
            code=code,
            packages=packages,
            git=checkout(job.checkout),
            machine=machine(),
            accelerators=accelerators(),
            scheduler_job=scheduler_job(),
            threads=job.threads,
            started=started,
            ended=_now(),
            seconds=round(seconds, 3),
            status=status,
        )
        write_record(record_path(job.folder, job.rule, job.wildcards), record)


def _states(paths: Iterable[str]) -> dict[str, FileState]:
    return {str(path): state_of(path) for path in files_in(paths) if path.exists()}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
