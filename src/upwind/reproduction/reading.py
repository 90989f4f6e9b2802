"""Open two runs, whatever they lie in, without running or importing anything that is in them.

Files are looked for below the results' folder, not where records say that they lie.
"""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from upwind.audit.checks.integrity import state_here
from upwind.audit.crate.labels import METADATA
from upwind.audit.crate.unpack import experiment_in, unpack
from upwind.audit.provenance_graph import RecordedRun, load, within
from upwind.common.errors import UpwindError
from upwind.common.side_by_side import cores, side_by_side
from upwind.provenance.hashing import files_in
from upwind.provenance.records import FOLDER, Record
from upwind.reproduction.set_apart import is_about_jobs

# How files of the data set are named, wherever they lie.
DATA = "data:"


@dataclass(frozen=True)
class OpenRun:
    """A run that is compared: how it was named, its records, where its results lie (``files``, by
    path below the results) and the SHA-256 of each result, of those that are only described (by a
    crate) as their jobs wrote them."""

    title: str
    run: RecordedRun
    files: Mapping[str, Path]
    hashes: Mapping[str, str]

    def name(self, recorded: str) -> str:
        """A recorded path as both runs name it: below the results, or below the data."""
        if within(recorded, self.run.home):
            return PurePosixPath(recorded).relative_to(self.run.home).as_posix()
        data = self.data_folder
        if data and within(recorded, data):
            return DATA + PurePosixPath(recorded).relative_to(data).as_posix()
        return recorded

    @property
    def data_folder(self) -> str:
        """Where the data lie, as records name it; empty where no record tells."""
        return _data_folder(self.run)

    def record_of(self, name: str) -> Record | None:
        """The record of the job that wrote a file named as by :meth:`name`."""
        if name.startswith(DATA):
            return self.run.record_of(f"{self.data_folder}/{name.removeprefix(DATA)}")
        return self.run.record_of(f"{self.run.home}/{name}") or self.run.record_of(name)

    def is_as_written(self, name: str) -> bool:
        """Does a result still hold what its job wrote?"""
        record = self.record_of(name)
        state = record.outputs.get(f"{self.run.home}/{name}") if record else None
        return state is None or name not in self.hashes or self.hashes[name] == state.sha256


@contextlib.contextmanager
def opened(path: Path) -> Iterator[OpenRun]:
    """The run in a folder of results, a crate (.zip), or a crate that was unpacked into a folder.

    Raises UpwindError for what is none of them, or has no intact record of a job.
    """
    with tempfile.TemporaryDirectory(prefix="upwind-compare-") as folder:
        run = _load(path, Path(folder))
        if not run.records:
            raise UpwindError(
                f"{path} holds no run: there is no intact record of a job in it. Give the folder "
                "of an experiment, results/NAME, or a crate of it"
            )
        yield _with_results(str(path), _without_places(run))


def _load(path: Path, folder: Path) -> RecordedRun:
    if path.is_file():
        crate = unpack(path, folder)
        home = experiment_in(crate)
        if home is None:
            raise UpwindError(f"{path} is no crate of upwind: it does not hold one experiment")
        return load(crate.root / home, crate.root)
    if (path / METADATA).is_file():
        homes = sorted(found.parent for found in path.glob(f"results/*/{FOLDER}"))
        if len(homes) != 1:
            raise UpwindError(f"{path} is no crate of upwind: it does not hold one experiment")
        return load(homes[0], path)
    return load(path)


def _without_places(run: RecordedRun) -> RecordedRun:
    """The run with parameters that name its files as :meth:`OpenRun.name` does, and without the
    version of the operating system's kernel, which computes nothing."""
    data = _data_folder(run)

    def moved(record: Record) -> Record:
        text = json.dumps(record.params, default=str).replace(f"{run.home}/", "")
        text = text.replace(f"{data}/", DATA) if data else text
        machine = dict(record.machine)
        if "system" in machine:
            machine["system"] = str(machine["system"]).partition(" ")[0]
        return replace(record, params=json.loads(text), machine=machine)

    return replace(run, records={name: moved(record) for name, record in run.records.items()})


def _data_folder(run: RecordedRun) -> str:
    dataset = run.config.get("dataset")
    root = dataset.get("root") if isinstance(dataset, Mapping) else None
    return str(root or "")


def _with_results(title: str, run: RecordedRun) -> OpenRun:
    found = {path.relative_to(run.folder).as_posix(): path for path in files_in([run.folder])}
    files = {name: path for name, path in found.items() if not is_about_jobs(name)}
    recorded = {
        path[len(run.home) + 1 :]: state.sha256
        for record in run.records.values()
        for path, state in record.outputs.items()
        if within(path, run.home)
    }
    states = dict(zip(files, side_by_side(state_here, files.values(), cores()), strict=True))
    here = {name: state.sha256 for name, state in states.items() if state}
    described = {name: digest for name, digest in recorded.items() if not is_about_jobs(name)}
    readable = {name: path for name, path in files.items() if name in here}
    return OpenRun(title, run, readable, described | here)
