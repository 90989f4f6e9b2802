"""The dates of files that were copied, or made by a clock that went ahead. ``cp -r`` of a project
changes no byte, yet every date, by which Snakemake would run jobs again; nothing that it makes of a
file that is dated in the future is ever new enough for it. Records know what each file held, and
when it was written."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from upwind.provenance.hashing import TIMESTAMP, FileState, holds
from upwind.provenance.records import OK, Record


def restore_dates(records: Iterable[Record]) -> int:
    """Give each file that holds what one of the ``records`` of finished jobs says, byte by byte,
    the date that it had then, or now's where that is still to come; the number of files.

    Only files with later dates are read. What may not be dated (somebody else's) stays as it is.
    """
    now = time.time_ns()
    finished = [record for record in records if record.status == OK]
    files = sum(_restored(Path(path), state, now) for path, state in _known(finished).items())
    marks = ((folder / TIMESTAMP, min(date, now)) for folder, date in _folders(finished))
    return files + sum(_is_later(mark, date) and _redated(mark, date) for mark, date in marks)


def _known(records: Iterable[Record]) -> Mapping[str, FileState]:
    """What each file held: as its job left it, else as it was first read."""
    known: dict[str, FileState] = {}
    for record in records:
        for path, state in record.inputs.items():
            before = known.get(path)
            if before is None or state.mtime_ns < before.mtime_ns:
                known[path] = state
    return known | {path: state for record in records for path, state in record.outputs.items()}


def _folders(records: Iterable[Record]) -> Iterator[tuple[Path, int]]:
    """Folders that are outputs, which Snakemake dates by a file that it puts there after the job;
    and the date of the last file in them."""
    for record in records:
        for declared in map(Path, record.declared):
            inside = [
                state.mtime_ns
                for path, state in record.outputs.items()
                if declared in Path(path).parents
            ]
            if inside:
                yield declared, max(inside)


def _restored(path: Path, state: FileState, now: int) -> bool:
    date = min(state.mtime_ns, now)
    return _is_later(path, date) and holds(path, state, trust_dates=False) and _redated(path, date)


def _is_later(path: Path, mtime_ns: int) -> bool:
    try:
        return path.stat().st_mtime_ns > mtime_ns
    except OSError:
        return False


def _redated(path: Path, mtime_ns: int) -> bool:
    try:
        os.utime(path, ns=(path.stat().st_atime_ns, mtime_ns))
    except OSError:
        return False
    return True
