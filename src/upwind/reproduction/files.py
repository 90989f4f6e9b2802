"""The results of two runs, file by file."""

from collections.abc import Callable, Mapping
from pathlib import Path

from upwind.common.wording import natural_order
from upwind.reproduction.difference import Difference, FileComparison, Outcome, Part
from upwind.reproduction.kinds.documents import compare_documents
from upwind.reproduction.kinds.masks import compare_masks
from upwind.reproduction.kinds.tables import compare_tables
from upwind.reproduction.kinds.tensors import compare_tensors
from upwind.reproduction.reading import OpenRun

# What compares two files, by how their names end. All others are compared by their hash alone.
KINDS: Mapping[str, Callable[[Path, Path], Difference]] = {
    ".csv": compare_tables,
    ".safetensors": compare_tensors,
    ".nii.gz": compare_masks,
    ".nii": compare_masks,
    ".json": compare_documents,
    ".yaml": compare_documents,
}
BY_HASH = "it differs, by its hash"


def compare_files(first: OpenRun, second: OpenRun) -> list[FileComparison]:
    """Every result that either run has, by name."""
    names = sorted(first.hashes.keys() | second.hashes.keys(), key=natural_order)
    return [_compare(name, first, second) for name in names]


def _compare(name: str, first: OpenRun, second: OpenRun) -> FileComparison:
    if name not in second.hashes:
        return FileComparison(name, Outcome.only_first)
    if name not in first.hashes:
        return FileComparison(name, Outcome.only_second)
    if first.hashes[name] == second.hashes[name]:
        return FileComparison(name, Outcome.same)
    difference = _difference(name, first.files.get(name), second.files.get(name))
    outcome = Outcome.apart if difference.expected else Outcome.differs
    return FileComparison(name, outcome, difference)


def _difference(name: str, first: Path | None, second: Path | None) -> Difference:
    compare = next((compare for end, compare in KINDS.items() if name.endswith(end)), None)
    if first is None or second is None:
        return _by_hash(f"{BY_HASH}: one of them is not here")
    if compare is None:
        return _by_hash(BY_HASH)
    try:
        return compare(first, second)
    except (OSError, ValueError, MemoryError) as error:  # a head may promise terabytes
        return _by_hash(f"{BY_HASH}: one of them cannot be read ({error})")


def _by_hash(summary: str) -> Difference:
    return Difference(summary, [Part("content", None, None)], 1)
