"""The dates of files that were copied. ``cp -r`` of a project changes no byte, yet every date, by
which Snakemake would run jobs again. Records know what each file held, and when it was written."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from upwind.provenance.hashing import TIMESTAMP, FileState, holds
from upwind.provenance.records import OK, Record


def restore_dates(records: Iterable[Record]) -> int:
    """Give each file that holds what one of the ``records`` of finished jobs says, byte by byte,
    the date that it had then; the number of files.

    Only files with later dates are read. What may not be dated (somebody else's) stays as it is.
    """
    finished = [record for record in records if record.status == OK]
    files = sum(_restored(Path(path), state) for path, state in _known(finished).items())
    marks = ((folder / TIMESTAMP, date) for folder, date in _folders(finished))
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


def _restored(path: Path, state: FileState) -> bool:
    return (
        _is_later(path, state.mtime_ns)
        and holds(path, state, trust_dates=False)
        and _redated(path, state.mtime_ns)
    )


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
