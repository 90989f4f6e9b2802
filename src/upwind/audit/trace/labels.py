"""How a trace puts things: dates, machines, code, parameters and file names, for text and pages."""

import datetime
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from upwind.audit.provenance_graph import within
from upwind.audit.trace.stages import Stage, spans, wildcards
from upwind.provenance.records import Record

# Hexadecimal digits of a hash that are shown: enough to tell the files of any run apart.
SHOWN_DIGITS = 12
CODE = "code"  # the parameter that every rule has, shown by itself


def facts(records: list[Record]) -> dict[str, str]:
    """What the jobs of a stage have in common, and when they ran, by name."""
    first = records[0]
    found = {"ran": when(records), "code": code(first)}
    if first.git is not None:
        found["commit"] = commit(first)
    found["on"] = machine(first)
    found["threads"] = str(first.threads)
    parameters = {key: value for key, value in first.params.items() if key != CODE}
    if parameters:
        found["with"] = ", ".join(f"{key} {plain(value)}" for key, value in parameters.items())
    if first.packages:
        found["packages"] = ", ".join(f"{key} {value}" for key, value in first.packages.items())
    return found


def stage_name(stage: Stage, records: list[Record]) -> str:
    """A stage's rule, how many jobs, and what they are about."""
    about = wildcards(records)
    return stage_title(stage, records) + (f" ({about})" if about else "")


def stage_title(stage: Stage, records: list[Record]) -> str:
    """A stage's rule and how many jobs."""
    return f"{stage.rule} × {len(records)}" if len(records) > 1 else stage.rule


def when(records: list[Record]) -> str:
    """Start, and time taken, of some jobs."""
    text = f"{_date(min(record.started for record in records))}, {took(records)}"
    return text if len(records) == 1 else f"{text} in all"


def took(records: Iterable[Record]) -> str:
    """Time taken by some jobs, added up."""
    seconds = sum(record.seconds for record in records)
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def machine(record: Record) -> str:
    """Where a job ran."""
    about = record.machine
    parts = [": ".join(str(about[key]) for key in ("host", "processor") if key in about)]
    parts += [_vectors(about)] if about.get("instructions") else []
    parts += record.accelerators
    if record.scheduler_job:
        parts.append(f"SLURM job {record.scheduler_job}")
    parts += [f"Python {about['python']}"] if "python" in about else []
    return ", ".join(filter(None, [*parts, str(about.get("system", ""))]))


def _vectors(about: Mapping[str, Any]) -> str:
    """The widest vectors of a job's processor, and whether its libraries were held to AVX2."""
    widest = about["instructions"]
    return f"{widest}, held to AVX2" if about.get("held") else f"{widest}, nothing held"


def code(record: Record) -> str:
    """The version of the code that a job could reach."""
    parts = [short(str(record.params[CODE]))] if CODE in record.params else []
    parts.append(f"{len(record.code)} modules" if record.code else "no script of its own")
    return ", ".join(parts)


def commit(record: Record) -> str:
    """The commit that a job ran from."""
    git = record.git or {}
    changed = " with uncommitted changes" if git.get("dirty") else ""
    return short(str(git.get("commit"))) + changed


def short(digest: str) -> str:
    """A hash as it is shown."""
    return digest[:SHOWN_DIGITS]


def below(path: str, home: str) -> str:
    """A path without the folder of results, where it lies in there."""
    return str(PurePosixPath(path).relative_to(home)) if within(path, home) else path


def folded(paths: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Paths that differ in their numbers alone, together: a pattern such as
    ``slices/case-{0-19}.safetensors``, and the paths."""
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(re.sub(r"\d+", "*", path), []).append(path)
    return [(_pattern(group), group) for group in groups.values()]


def plain(value: Any) -> str:
    """A parameter as people write it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} {plain(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        if len(value) > 4 and all(isinstance(item, int) and item >= 0 for item in value):
            return f"[{spans(map(str, value))}]"
        return "[" + ", ".join(map(plain, value)) + "]"
    return str(value)


def _pattern(paths: list[str]) -> str:
    """One number that varies is given in runs; of several, ``*`` stands for each."""
    if len(paths) == 1:
        return paths[0]
    columns = list(zip(*(re.split(r"(\d+)", path) for path in paths), strict=True))
    varying = [column for column in columns if len(set(column)) > 1]
    if len(varying) > 1:
        return "".join(column[0] if len(set(column)) == 1 else "*" for column in columns)
    return "".join(
        column[0] if len(set(column)) == 1 else "{" + spans(column).replace(", ", ",") + "}"
        for column in columns
    )


def _date(time: str) -> str:
    if not time:
        return "at an unknown time"
    moment = datetime.datetime.fromisoformat(time).astimezone(datetime.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
