"""In what the records of two jobs differ that can move a number."""

import enum
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from upwind.common.wording import first_few
from upwind.provenance.records import Record
from upwind.reproduction.difference import Part
from upwind.reproduction.kinds.documents import differing
from upwind.reproduction.set_apart import MACHINE, SETTINGS

_SHOWN = 3
# Parameters that name the job, or that the hashes of modules say better.
_NOT_SETTINGS = frozenset({"code", "run", "results"})
_WHOLE = "config."  # the parameter that is the whole configuration
_SEED = re.compile(r"(^|[._])seeds?$")
_VERSION = "version"  # of the volumes
# Entries of a record's machine: its processor, and what libraries are held to for the same bits.
_PROCESSOR, _HELD = "processor", "held"
# How values of a record are shown at most.
_WIDTH = 60


class Factor(enum.StrEnum):
    """What can move a number. The values are part of the JSON schema."""

    seeds = "seeds"
    settings = "settings"
    data = "data"
    code = "code"
    packages = "packages"
    processor = "processor"  # and what else the record says of the machine
    threads = "threads"
    accelerator = "accelerator"
    jobs = "jobs"  # one run has a job that the other has not
    hand = "changed by hand"
    unknown = "unknown"  # nothing that records tell


def factors(
    first: Record, second: Record, names: Mapping[tuple[str, str], str]
) -> Iterator[tuple[Factor, str]]:
    """Each factor in which two jobs differ, and how, in words. ``names`` are those of settings of
    the configuration that differ, by their last name and how they differ: a job may have them
    under another name."""
    for part in setting_parts(first, second):
        last = part.name.rpartition(".")[2]
        name = names.get((last, arrow(part)), part.name)
        yield kind_of_setting(part.name), f"{name} {arrow(part)}"
    modules = unlike(first.code, second.code)
    if modules:
        yield Factor.code, modules_text(modules, _commit(first), _commit(second))
    yield from version_factors(first.packages, second.packages)
    yield from machine_factors(first.machine, second.machine)
    if first.threads != second.threads:
        yield Factor.threads, f"{first.threads} → {second.threads}"
    if first.accelerators != second.accelerators:
        said = " → ".join(", ".join(r.accelerators) or "none" for r in (first, second))
        yield Factor.accelerator, said


def setting_parts(first: Record, second: Record) -> Iterator[Part]:
    """Parameters that differ."""
    one, other = (
        {key: value for key, value in record.params.items() if key not in _NOT_SETTINGS}
        for record in (first, second)
    )
    for part in differing(one, other):
        name = part.name.removeprefix(_WHOLE)
        if name not in SETTINGS:
            yield replace(part, name=name)


def kind_of_setting(name: str) -> Factor:
    """Seeds stand apart from settings, and so does the version of the volumes."""
    if name.rpartition(".")[2] == _VERSION:
        return Factor.data
    return Factor.seeds if _SEED.search(name) else Factor.settings


def arrow(part: Part) -> str:
    """``20 → 22``."""
    return f"{_short(part.first)} → {_short(part.second)}"


def commits(records: Iterable[Record]) -> str:
    """What git knew of the code of the jobs."""
    return ", ".join(sorted({_commit(record) for record in records}))


def modules_text(modules: Sequence[str], here: str, there: str) -> str:
    """Modules that differ, for people, with the commits of either side."""
    between = here if here == there else f"{here} → {there}"
    return f"{first_few(modules, _SHOWN)} (commit {between})"


def version_factors(
    here: Mapping[str, str], there: Mapping[str, str]
) -> Iterator[tuple[Factor, str]]:
    """Packages of other versions."""
    for name in unlike(here, there):
        yield Factor.packages, f"{name} {here.get(name, 'none')} → {there.get(name, 'none')}"


def machine_factors(
    here: Mapping[str, Any], there: Mapping[str, Any]
) -> Iterator[tuple[Factor, str]]:
    """What two records say of their machines, whatever that is."""
    held = here.get(_HELD) and here[_HELD] == there.get(_HELD)
    found = [
        (_kind_of_machine(part.name), _of_machine(part, bool(held)))
        for part in differing(here, there)
        if part.name not in MACHINE
    ]
    yield from sorted(found, key=lambda factor: list(Factor).index(factor[0]))


def _of_machine(part: Part, held: bool) -> str:
    if part.name == _PROCESSOR:
        return f"{arrow(part)}, both held to the same bits" if held else arrow(part)
    return f"{part.name.replace('_', ' ')} {arrow(part)}"


def _kind_of_machine(name: str) -> Factor:
    if name == "python":
        return Factor.packages
    return Factor.threads if "thread" in name or name == "cores" else Factor.processor


def unlike(here: Mapping[str, str], there: Mapping[str, str]) -> Sequence[str]:
    """Keys whose values differ, or that one side alone has."""
    return sorted(n for n in here.keys() | there.keys() if here.get(n) != there.get(n))


def _commit(record: Record) -> str:
    git: Mapping[str, Any] = record.git or {}
    changed = " with changes" if git.get("dirty") else ""
    return f"{str(git.get('commit', 'unknown'))[:7]}{changed}"


def _short(value: str | None) -> str:
    text = "none" if value is None else value.strip('"')
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
