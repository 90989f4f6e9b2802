"""Every file explained by a record, every record intact and in its place, and nothing besides."""

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from upwind.audit.checks.integrity import (
    check_contents,
    counting,
    data_are_absent,
    hashed,
    state_here,
)
from upwind.audit.findings import Checked, Finding, FindingKind, broken, unchecked, warning
from upwind.audit.provenance_graph import RecordedRun, contents, within, written
from upwind.common.reading import text_of
from upwind.provenance.hashing import TIMESTAMP, FileState
from upwind.provenance.records import FOLDER, OK

# What DVC leaves beside the pointer to the versioned slices, and its content.
_POINTER, _IGNORED, _IGNORED_TEXT = "slices.dvc", ".gitignore", b"/slices\n"
_IGNORED_STATE = FileState(hashlib.sha256(_IGNORED_TEXT).hexdigest(), len(_IGNORED_TEXT), 0)
_CACHE = ".dvc/cache"


def check_files(
    run: RecordedRun,
    live: Collection[str] | None = None,
    left_out: Collection[str] = (),
    states: Mapping[str, FileState | None] | None = None,
) -> Checked:
    """Every file below the results and the data that the workflow made, every record and every
    input. Nothing is believed for its date: all that can be read is hashed.

    ``live`` are the records that count, others are left over from another configuration; without
    it, all in the results' folder count, and what they rest on. ``left_out`` are files that this
    copy of the results leaves out on purpose: they count as unchecked. ``states`` is what
    :func:`upwind.audit.checks.integrity.hashed` found, if it was asked before.
    """
    if not run.records and not run.damaged:
        path = f"{run.home}/{FOLDER}"
        message = "no job left a record: nothing says how these results were made"
        return Checked(
            (broken(FindingKind.missing_record, path, message, "run the workflow again"),)
        )
    live = counting(run) if live is None else set(live) & run.records.keys()
    states = hashed(run) if states is None else states
    here = set(_files_here(run))
    findings = [
        *_damaged(run),
        *_failed(run, live),
        *_misplaced(run, live),
        *check_contents(run, live, states, left_out),
        *_orphans(run, live),
        *_unexplained(run, here),
        *_linked(run, here),
        *_left_over(run, live),
        *([] if left_out else _marks(run, live)),
    ]
    counts = {
        "records": len(live),
        "files": len(here),
        "bytes": sum(state.bytes for state in states.values() if state),
        "links": sum(1 for name in live for _ in contents(run.records[name])),
    }
    return Checked(tuple(findings), counts)


def _damaged(run: RecordedRun) -> Iterator[Finding]:
    for name, reason in run.damaged.items():
        made = [path for path, claims in _claims(run).items() if name in claims]
        remedy = "restore the record, or delete what its job made and run the workflow again"
        affects = sorted({*made, *run.downstream(made)})
        yield broken(
            FindingKind.record, name, f"the record is not intact: {reason}", remedy, affects
        )


def _claims(run: RecordedRun) -> dict[str, set[str]]:
    """Outputs and logs that damaged records name, as far as they can still be read."""
    claims: dict[str, set[str]] = {}
    for name in run.damaged:
        content = _readable(run.place(name))
        for side in ("outputs", "logs"):
            named = content.get(side)
            for path in named if isinstance(named, dict) else ():
                claims.setdefault(path, set()).add(name)
    return claims


def _readable(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _failed(run: RecordedRun, live: Iterable[str]) -> Iterator[Finding]:
    for name in sorted(live):
        record = run.records[name]
        affects = run.fallen([name])
        if record.status != OK:
            message = f"the job {record.name} {record.status}"
            yield broken(FindingKind.failed_job, name, message, "run the workflow again", affects)
            continue
        for declared in record.declared:
            if not any(within(path, declared) for path in record.outputs):
                message = f"the job {record.name} ended without writing it"
                yield broken(
                    FindingKind.missing, declared, message, "run the workflow again", affects
                )


def _misplaced(run: RecordedRun, live: Iterable[str]) -> Iterator[Finding]:
    """Records of other folders' jobs, and files that two records claim."""
    for name in sorted(live):
        record = run.records[name]
        folder = name.split(f"/{FOLDER}/")[0]
        foreign = [path for path in record.outputs if not within(path, folder)]
        if foreign:
            message = f"it is the record of a job that wrote {foreign[0]}, outside {folder}"
            yield broken(FindingKind.record, name, message, "delete it and run the workflow again")
        other = {run.makers[path] for path in written(record)} - {name}
        for newer in sorted(other & set(live)):
            message = f"what it says it wrote, {newer} says it wrote later"
            yield broken(
                FindingKind.record, name, message, "delete the record that is no longer right"
            )


def _orphans(run: RecordedRun, live: Iterable[str]) -> Iterator[Finding]:
    """Results that jobs read, that are gone, and of which no record tells."""
    claimed = _claims(run)
    for path in sorted({path for name in live for path in run.records[name].inputs}):
        known = path in run.makers or path in claimed or run.place(path).exists()
        if within(path, run.home) and not known:
            readers = sorted(run.readers[path])
            message = f"{run.jobs(readers)} read it; it is gone, and no record says how it was made"
            yield broken(
                FindingKind.link, path, message, "run the workflow again", run.fallen(readers)
            )


def _files_here(run: RecordedRun) -> Iterator[str]:
    """Every file (or link that leads nowhere) below the results and the made data, as recorded."""
    for home in (run.home, *run.sources):
        yield from run.files_below(home)


def _linked(run: RecordedRun, here: Iterable[str]) -> Iterator[Finding]:
    """Links in the results: no job leaves one, but for those that DVC checks out from its cache."""
    told = set()
    for path in sorted(here):
        link = next((place for place in _places(run, path) if place.is_symlink()), None)
        if link is None or link in told or f"/{_CACHE}/" in os.path.realpath(link):
            continue
        told.add(link)
        what = f"{run.home}/{link.relative_to(run.folder).as_posix()}"
        message = f"it is a link to {link.readlink()}: what lies there is checked as it is now, and"
        message += " may be changed from elsewhere"
        remedy = "put what lies there in its place"
        yield warning(FindingKind.changed, what, message, remedy)


def _places(run: RecordedRun, path: str) -> list[Path]:
    """A result and the folders around it, the topmost first, without the results' folder."""
    if not within(path, run.home):
        return []
    place = run.place(path)
    around = [folder for folder in place.parents if run.folder in folder.parents]
    return [*reversed(around), place]


def _unexplained(run: RecordedRun, here: Iterable[str]) -> Iterator[Finding]:
    claimed = _claims(run)
    known = run.makers.keys() | run.records.keys() | run.damaged.keys() | claimed.keys()
    declared = {path for record in run.records.values() for path in record.declared}
    for path in sorted(set(here) - known):
        if not _is_of_a_tool(run, path, declared):
            readers = run.users.get(path, ())
            message = "no record says how it was made"
            message += f", and {run.jobs(readers)} read it" if readers else ""
            remedy = "delete it; if it belongs to the results, run the workflow again"
            affects = run.downstream([path])
            if within(path, f"{run.home}/logs") and data_are_absent(run):
                message = "its record may lie with the data, which are not here"
                yield unchecked(FindingKind.unexplained, path, message, "audit where the data are")
            else:
                yield broken(FindingKind.unexplained, path, message, remedy, affects)


def _is_of_a_tool(run: RecordedRun, path: str, declared: Collection[str]) -> bool:
    """Snakemake's mark in a folder that is an output (empty), and what DVC writes beside its
    pointer."""
    name, folder = PurePosixPath(path).name, str(PurePosixPath(path).parent)
    if name == TIMESTAMP:
        return folder in declared and run.place(path).stat().st_size == 0
    if name == _IGNORED and f"{folder}/{_POINTER}" in run.makers:
        return state_here(run.place(path)) == _IGNORED_STATE
    return False


def _left_over(run: RecordedRun, live: Collection[str]) -> Iterator[Finding]:
    for name in sorted(run.records.keys() - set(live)):
        if within(name, run.home):
            record = run.records[name]
            message = f"no job of a run as it is configured: {record.name}, with "
            message += f"{len(record.outputs)} file(s), as {next(iter(record.outputs), 'none')}"
            remedy = "nothing where a study or the atlas, which are run by name, did not come to "
            remedy += (
                "its end; else delete the record with its files if that configuration is done "
            )
            remedy += "with"
            yield warning(FindingKind.left_over, name, message, remedy)


def _marks(run: RecordedRun, live: Iterable[str]) -> Iterator[Finding]:
    """Snakemake's mark in each folder that is an output."""
    folders = {p for name in live for p in run.records[name].declared if run.place(p).is_dir()}
    for folder in sorted(folders):
        if not run.place(f"{folder}/{TIMESTAMP}").exists():
            message = "Snakemake's mark of when the folder was made is gone; no result hangs on it"
            remedy = "nothing, or run the workflow again"
            yield warning(FindingKind.missing, f"{folder}/{TIMESTAMP}", message, remedy)
