"""From one number, or one file, of a finished experiment down to the raw volumes.

What is shown is what the records say. A link that does not hold is named; whether all else holds is
for the audit to say.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from upwind.audit.checks.integrity import state_here
from upwind.audit.provenance_graph import RecordedRun, contents, load, within, written
from upwind.audit.trace.cells import SCORES, TABLE, Cell, holders, read_cell
from upwind.common.errors import UpwindError
from upwind.common.wording import natural_order
from upwind.provenance.hashing import FileState
from upwind.provenance.records import FOLDER, OK, Record


@dataclass(frozen=True)
class Trace:
    """The chain behind a file, or behind one cell of Table I.

    ``path`` is the file as records name it. ``sources`` has, for each job behind it (by its record,
    a job before the jobs that it read from), the inputs that matter and the record of the job that
    made each, None for raw data. ``set_aside`` are inputs that a job read and that are not behind
    the number. ``problems`` are the links that do not hold.
    """

    run: RecordedRun
    path: str
    cell: Cell | None
    sources: Mapping[str, Mapping[str, str | None]]
    set_aside: Mapping[str, tuple[str, ...]]
    problems: tuple[str, ...]

    def record(self, job: str) -> Record:
        """The record of a job."""
        return self.run.records[job]

    @property
    def ends(self) -> dict[str, FileState]:
        """Where the chain ends, as it was read: raw files, and files whose job read nothing (the
        phantom's volumes)."""
        found = {
            path: self.record(job).inputs[path]
            for job, inputs in self.sources.items()
            for path, maker in inputs.items()
            if maker is None or not self.sources[maker]
        }
        return {path: found[path] for path in sorted(found, key=natural_order)}


def trace(path: str | os.PathLike[str], cell: str | None = None) -> Trace:
    """The chain behind a file of an experiment's results, or behind the cell ``COLUMN,ROW`` of its
    Table I.

    Raises UpwindError for a file that is not there, that no record explains, or that is not the
    result of an experiment, and for a cell that is not there.
    """
    file = Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow links)
    run = load(_experiment(file))
    name = f"{run.home}/{file.relative_to(run.folder).as_posix()}"
    if name not in run.makers:
        raise UpwindError(
            f"no record says how {file} was made; upwind audit {run.folder} says more"
        )
    if cell is None:
        return _follow(run, name, None, {})
    if name != f"{run.home}/{TABLE}":
        raise UpwindError(f"{file}: only {TABLE} has cells to trace; leave --cell away")
    number = read_cell(run.folder, cell)
    return _follow(run, name, number, _narrowed(run, name, number))


def _experiment(file: Path) -> Path:
    """The folder of results that a file lies in."""
    if not file.is_file():
        raise UpwindError(f"{file} is no file: give a file of results/NAME, such as {TABLE}")
    for folder in file.parents:
        if (folder / FOLDER).is_dir():
            return folder
    raise UpwindError(f"{file} does not lie in a folder of results: none around it has {FOLDER}/")


def _narrowed(run: RecordedRun, table: str, cell: Cell) -> dict[str, set[str]]:
    """For jobs that only copy or average scores: the inputs that the cell comes from."""
    wanted = {f"{run.home}/{name}" for name in cell.inputs}
    behind = {run.makers[table]: wanted}
    gathering = run.makers.get(f"{run.home}/{SCORES}")
    if gathering is not None:
        files = {
            run.place(path): path
            for path in contents(run.records[gathering])
            if path.endswith(".csv") and run.place(path).is_file()
        }
        held = holders(cell.scores, files)
        if held:
            behind[gathering] = {files[path] for path in held}
    return behind


def _follow(
    run: RecordedRun, path: str, cell: Cell | None, behind: Mapping[str, set[str]]
) -> Trace:
    sources: dict[str, dict[str, str | None]] = {}
    set_aside: dict[str, tuple[str, ...]] = {}

    def visit(job: str) -> None:
        if job in sources:
            return
        read = set(contents(run.records[job]))
        kept = read & behind.get(job, read)
        sources[job] = {name: run.makers.get(name) for name in sorted(kept)}
        set_aside[job] = tuple(sorted(read - kept))
        for maker in sources[job].values():
            if maker is not None:
                visit(maker)

    visit(run.makers[path])
    ordered = {job: sources[job] for job in _users_first(sources)}
    # What was read here, and not only in the records: the file, and for a cell all in between.
    looked_at = [path, *sorted(set().union(*behind.values()))]
    problems = [*_changed(run, looked_at), *_loose_links(run, ordered)]
    return Trace(run, path, cell, ordered, set_aside, tuple(problems))


def _users_first(sources: Mapping[str, Mapping[str, str | None]]) -> list[str]:
    """Jobs in an order in which each comes before those that it read from."""
    done: dict[str, None] = {}

    def visit(job: str) -> None:
        if job not in done:
            for maker in filter(None, sources[job].values()):
                if maker != job:
                    visit(maker)
            done[job] = None

    for job in sources:
        visit(job)
    return list(reversed(done))


def _changed(run: RecordedRun, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        record = run.record_of(path)
        if record is None:
            continue  # a loose link, said below
        now = state_here(run.place(path))
        if now is None or now.sha256 != written(record)[path].sha256:
            yield f"{path} was changed after {record.name} had written it"


def _loose_links(
    run: RecordedRun, sources: Mapping[str, Mapping[str, str | None]]
) -> Iterator[str]:
    for job, inputs in sources.items():
        reader = run.records[job]
        if reader.status != OK:
            yield f"the job {reader.name} {reader.status}"
        for path, maker in inputs.items():
            if maker is None:
                if _made_here(run, path):
                    yield f"no record says how {path} was made, which {reader.name} read"
            elif written(run.records[maker])[path].sha256 != reader.inputs[path].sha256:
                yield f"{reader.name} read another {path} than {run.records[maker].name} wrote"


def _made_here(run: RecordedRun, path: str) -> bool:
    return any(within(path, folder) for folder in (run.home, *run.sources))
