"""What a run came to, stage by stage, as hashes of numbers: of tensors and voxels, not of files, so
that another way to pack them makes no difference."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from upwind.audit.provenance_graph import within
from upwind.provenance.hashing import sha256_of
from upwind.reproduction.kinds.masks import mask_sha256
from upwind.reproduction.kinds.tables import read_table
from upwind.reproduction.kinds.tensors import tensors_sha256
from upwind.reproduction.reading import DATA, OpenRun
from upwind.reproduction.table1 import SCORES, SEED

# In the order in which they are made.
STAGES = ("data", "slices", "networks", "segmentations", "scores")
_NUMBERS: Mapping[str, Callable[[Path], str]] = {
    ".safetensors": tensors_sha256,
    ".nii.gz": mask_sha256,
    ".nii": mask_sha256,
}
_ABOUT = ("method", SEED, "fold")

Hashes = Mapping[str, Mapping[str, str]]


def stage_hashes(side: OpenRun) -> Hashes:
    """SHA-256 by stage and name: of all volumes; of all slices; of each network; of each folder of
    segmentations; of the DSC of each method and fold. What is not here (segmentations, in a crate)
    has none. Raises ValueError or OSError for a file that cannot be read."""
    return {
        "data": dict(_combined([("volumes", name, digest) for name, digest in volumes(side)])),
        "slices": dict(_combined(_files(side, "slices/*.safetensors", lambda name: "slices"))),
        "networks": dict(_combined(_files(side, "networks/**/*.safetensors", _parent))),
        "segmentations": dict(_combined(_files(side, "segmentations/**/*.nii*", _parent))),
        "scores": dict(_combined(_scores(side))),
    }


def volumes(side: OpenRun) -> list[tuple[str, str]]:
    """Files of the data set that the run's jobs read, below its folder, with hashes, sorted. Not
    those that the jobs which made the data read: their records lie with the data, maybe away."""
    records = (r for name, r in side.run.records.items() if within(name, side.run.home))
    read = (item for record in records for item in record.inputs.items())
    named = {side.name(path): state.sha256 for path, state in read}
    return sorted((n.removeprefix(DATA), digest) for n, digest in named.items() if n[:5] == DATA)


def _files(
    side: OpenRun, pattern: str, name_of: Callable[[str], str]
) -> Iterator[tuple[str, str, str]]:
    for path in sorted(side.run.folder.glob(pattern)):
        name = path.relative_to(side.run.folder).as_posix()
        if name in side.files:
            number = next((n for end, n in _NUMBERS.items() if name.endswith(end)), sha256_of)
            yield name_of(name), path.name, number(path)


def _parent(name: str) -> str:
    """``unet/0`` of ``networks/unet/0/weights.safetensors``."""
    return PurePosixPath(*PurePosixPath(name).parts[1:-1]).as_posix()


def _scores(side: OpenRun) -> Iterator[tuple[str, str, str]]:
    """The DSC of each row of ``scores.csv``, as the file has it."""
    if SCORES not in side.files:
        return
    for cells in read_table(side.files[SCORES]).keyed(0).values():
        about = "/".join(cells[key] for key in _ABOUT if cells.get(key))
        yield about, f"{cells['subset']} {cells['case']}", cells["dsc"]


def _combined(items: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """One hash for all items of a name."""
    lines: dict[str, list[str]] = defaultdict(list)
    for name, item, value in items:
        lines[name].append(f"{item} {value}\n")
    for name in sorted(lines):
        yield name, hashlib.sha256("".join(sorted(lines[name])).encode()).hexdigest()
