"""What a crate of an experiment holds, and what it only describes.

Tables, figures, scores, weights, configuration, records and logs go in, and the workflow itself.
Volumes, segmentations and slices do not: they are patients' data, or as large. They are described
as the records have them, so that whoever has them can tell that they are the same.
"""

from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from upwind.audit.checks.integrity import state_here
from upwind.audit.provenance_graph import RecordedRun, within, written
from upwind.provenance.hashing import TIMESTAMP, FileState

# Of the repository: what makes the results, and what says how to use it.
_CODE = ("workflow", "src", "config", "envs", "pyproject.toml", "Makefile")
_ABOUT = ("README.md", "results/README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE")
_VOLUMES = (".nii", ".nii.gz")
_NOT_SOURCES = ("__pycache__", ".egg-info")


def files_inside(run: RecordedRun, repository: Path) -> dict[str, Path]:
    """Where the files are that go into a crate of ``run``, made by the workflow in ``repository``,
    by their path in there: the one that records use, or the one in the repository. Sorted."""
    files = dict(_sources(repository))
    for home in (run.home, *run.sources):
        # Data that a workflow made elsewhere have no place in the crate, nor have their records.
        if _is_inside(home):
            files |= dict(_results(run, home))
    return dict(sorted(files.items()))


def files_outside(run: RecordedRun, inside: Collection[str]) -> dict[str, FileState]:
    """Recorded files that are not ``inside`` the crate, as they were written, or as they were read
    where no job wrote them. Sorted."""
    recorded: dict[str, FileState] = {}
    for record in run.records.values():
        recorded |= {path: state for path, state in record.inputs.items() if path not in recorded}
    for name in run.makers.values():
        recorded |= written(run.records[name])
    return {
        path: recorded[path]
        for path in sorted(recorded)
        if path not in inside and PurePosixPath(path).name != TIMESTAMP
    }


def is_left_out(run: RecordedRun, path: str) -> bool:
    """Is this one of the files that crates leave out on purpose?"""
    outside = not any(within(path, home) for home in (run.home, *run.sources))
    unpublished = (f"{run.home}/{folder}" for folder in run.results.unpublished())
    return outside or path.endswith(_VOLUMES) or any(within(path, place) for place in unpublished)


def _results(run: RecordedRun, home: str) -> Iterator[tuple[str, Path]]:
    for name in sorted(run.files_below(home)):
        path = run.place(name)
        kept = path.is_file() and path.name != TIMESTAMP and not is_left_out(run, name)
        if kept and (_is_own(path, run.place(home)) or _is_as_made(run, name)):
            yield name, path


def _is_own(path: Path, folder: Path) -> bool:
    """Does a file lie in the folder itself, rather than behind a link in it?"""
    return path.resolve() == folder.resolve() / path.relative_to(folder)


def _is_as_made(run: RecordedRun, name: str) -> bool:
    """Is a file what its job wrote? Behind a link may be anything of this machine."""
    maker, now = run.record_of(name), state_here(run.place(name))
    return maker is not None and now is not None and written(maker)[name].sha256 == now.sha256


def _sources(repository: Path) -> Iterator[tuple[str, Path]]:
    for top in (*_CODE, *_ABOUT):
        place = repository / top
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            parts = path.relative_to(repository).parts
            hidden = any(part.startswith(".") or part.endswith(_NOT_SOURCES) for part in parts)
            if path.is_file() and not hidden:
                yield "/".join(parts), path


def _is_inside(home: str) -> bool:
    path = PurePosixPath(home)
    return not path.is_absolute() and ".." not in path.parts
