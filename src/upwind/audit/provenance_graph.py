"""The chain of records behind an experiment: which job made a file, from which files.

Paths are those of the records, relative to the folder that the workflow ran in (``root``), so that
results can be audited from anywhere, and after they were moved.
"""

import functools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from upwind.common.errors import UpwindError
from upwind.provenance.hashing import FileState
from upwind.provenance.records import FOLDER, Record, read_records, record_path
from upwind.results import ResultList

# The rule that keeps the effective configuration and the list of results, in its parameters
# ``config`` and ``results``.
CONFIG_RULE = "write_config"


@dataclass(frozen=True)
class RecordedRun:
    """A finished experiment and the data that its workflow made, as their records tell.

    ``folder`` is where the results lie and ``home`` how records name that folder
    (``results/<experiment>``); other recorded paths are relative to ``root``. ``sources`` are
    folders outside, as records name them, that a workflow filled (the phantom's data). ``records``
    and ``damaged`` (with the reason) are by path of the record, named like all other files.
    """

    folder: Path
    root: Path
    home: str
    sources: tuple[str, ...]
    records: Mapping[str, Record]
    damaged: Mapping[str, str]

    def place(self, path: str) -> Path:
        """Where a recorded path lies on this machine."""
        if within(path, self.home):
            return self.folder / PurePosixPath(path).relative_to(self.home)
        return self.root / path

    @functools.cached_property
    def makers(self) -> dict[str, str]:
        """For each file that a job wrote (output or log), the record of that job. Of several, the
        one that ended last."""
        ordered = sorted(self.records, key=lambda name: self.records[name].ended)
        return {path: name for name in ordered for path in written(self.records[name])}

    @functools.cached_property
    def readers(self) -> dict[str, set[str]]:
        """For each file that jobs read, whether or not its content mattered, their records."""
        found: dict[str, set[str]] = {}
        for name, record in self.records.items():
            for path in record.inputs:
                found.setdefault(path, set()).add(name)
        return found

    @functools.cached_property
    def users(self) -> dict[str, list[str]]:
        """For each file that jobs read for its content, the records of these jobs."""
        found: dict[str, list[str]] = {}
        for name, record in self.records.items():
            for path in contents(record):
                found.setdefault(path, []).append(name)
        return found

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The effective configuration, as the record (not the file) has it; empty without one."""
        record = self.records.get(f"{self.home}/{FOLDER}/{CONFIG_RULE}/job.json")
        config = record.params.get("config") if record else None
        return config if isinstance(config, dict) else {}

    @functools.cached_property
    def results(self) -> ResultList:
        """What the run makes, as the record (not the file) has it. Raises UpwindError where there
        is no such record."""
        record = self.records.get(f"{self.home}/{FOLDER}/{CONFIG_RULE}/job.json")
        try:
            return ResultList.from_json(record.params["results"] if record else {})
        except (LookupError, TypeError, ValueError) as error:
            raise UpwindError(
                f"{self.folder}: no record of {CONFIG_RULE} tells what the run makes; run the "
                "workflow again"
            ) from error

    def record_of(self, path: str) -> Record | None:
        """The record of the job that wrote a file (output or log); None for raw data."""
        name = self.makers.get(path)
        return None if name is None else self.records[name]

    def downstream(self, paths: Iterable[str]) -> list[str]:
        """Every output that was made from ``paths``, over any number of jobs, sorted."""
        found: set[str] = set()
        ahead = list(paths)
        while ahead:
            for name in self.users.get(ahead.pop(), ()):
                new = self.records[name].outputs.keys() - found
                found |= new
                ahead += new
        return sorted(found - set(paths))

    def upstream(self, paths: Iterable[str]) -> list[str]:
        """Records of all jobs that ``paths`` rest on, over any number of jobs and files that only
        had to be there included, sorted."""
        found: set[str] = set()
        ahead = list(paths)
        while ahead:
            name = self.makers.get(ahead.pop())
            if name is not None and name not in found:
                found.add(name)
                ahead += self.records[name].inputs
        return sorted(found)

    def fallen(self, names: Iterable[str]) -> list[str]:
        """What the jobs of these records wrote, and everything that was made from it, sorted."""
        made = {path for name in names for path in self.records[name].outputs}
        return sorted(made | set(self.downstream(made)))

    def jobs(self, names: Iterable[str]) -> str:
        """The jobs of these records, for people: the first, and how many more."""
        first, *others = names
        return self.records[first].name + (f" and {len(others)} more" if others else "")

    def files_below(self, home: str) -> Iterator[str]:
        """Every file, or link that leads nowhere, below the results or a folder of data, as records
        name it; folders behind links included, each once."""
        folder, seen = self.place(home), set()
        for parent, folders, files in os.walk(folder, followlinks=True):
            key = (os.stat(parent).st_dev, os.stat(parent).st_ino)  # noqa: PTH116
            if key in seen:  # a link back to a folder above
                folders.clear()
                continue
            seen.add(key)
            for name in files:
                yield f"{home}/{(Path(parent) / name).relative_to(folder).as_posix()}"

    def record_name(self, rule: str, wildcards: Mapping[str, str], folder: str) -> str:
        """How the record of a job is named whose outputs lie below ``folder``."""
        return record_path(folder, rule, wildcards).as_posix()


def load(folder: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> RecordedRun:
    """Read the records of the experiment whose results lie in ``folder``, and of the data that its
    workflow made.

    ``root`` is the folder that the workflow ran in; without it, the one in which ``folder`` is what
    the records say: two levels up, or the current one. Raises UpwindError where ``folder`` is no
    folder. Records that are not intact are no error: they are in ``damaged``.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 (resolve() would follow links)
    if not folder.is_dir():
        raise UpwindError(
            f"{folder} is not a folder: give the folder of an experiment, results/NAME"
        )
    intact, damaged = _read(folder)
    home = _home(folder, intact)
    root = Path(root) if root is not None else _root(folder, home)
    records = {f"{home}/{name}": record for name, record in intact.items()}
    reasons = {f"{home}/{name}": reason for name, reason in damaged.items()}
    sources = _sources(records.values(), home, root)
    for source in sources:
        more, worse = _read(root / source)
        records |= {f"{source}/{name}": record for name, record in more.items()}
        reasons |= {f"{source}/{name}": reason for name, reason in worse.items()}
    return RecordedRun(folder, root, home, sources, records, reasons)


def written(record: Record) -> dict[str, FileState]:
    """All files that a job wrote, outputs and logs."""
    return record.outputs | record.logs


def contents(record: Record) -> Iterator[str]:
    """Inputs whose content matters to a job."""
    return (path for path in record.inputs if not only_there(record, path))


def only_there(record: Record, path: str) -> bool:
    """Did an input only have to be there, whatever its content?"""
    return any(within(path, named) for named in record.order_only)


def within(path: str, folder: str) -> bool:
    """Is ``path`` the folder itself, or below it?"""
    return path == folder or path.startswith(f"{folder}/")


def _read(folder: Path) -> tuple[dict[str, Record], dict[str, str]]:
    """Intact records and reasons why others are not, by path below ``folder``."""
    intact: dict[str, Record] = {}
    damaged: dict[str, str] = {}
    for path, record in read_records(folder):
        name = path.relative_to(folder).as_posix()
        if isinstance(record, Record):
            intact[name] = record
        else:
            damaged[name] = str(record.__cause__ or record)
    return intact, damaged


def _home(folder: Path, records: Mapping[str, Record]) -> str:
    """How records name the folder they lie in."""
    config = records.get(f"{FOLDER}/{CONFIG_RULE}/job.json")
    if config is not None and config.declared:
        # Its one output lies at the top of the folder.
        return str(PurePosixPath(config.declared[0]).parent)
    logs = Counter(
        str(path.parents[len(path.parents) - 1 - path.parts.index("logs")])
        for record in records.values()
        for path in map(PurePosixPath, record.logs)
        if "logs" in path.parts
    )
    if logs:
        return logs.most_common(1)[0][0]
    return f"{folder.parent.name}/{folder.name}"


def _root(folder: Path, home: str) -> Path:
    above = folder
    for _ in PurePosixPath(home).parts:
        above = above.parent
    for root in (above, Path.cwd()):
        if (root / home).is_dir() and (root / home).samefile(folder):
            return root
    return above


def _sources(records: Iterable[Record], home: str, root: Path) -> tuple[str, ...]:
    """Folders outside the results that hold records of inputs."""
    outside = {path for record in records for path in record.inputs if not within(path, home)}
    folders = sorted({str(PurePosixPath(path).parent) for path in outside} - {"."})
    return tuple(name for name in folders if (root / name / FOLDER).is_dir())
