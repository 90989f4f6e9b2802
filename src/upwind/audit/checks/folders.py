"""Files in folders that jobs wrote as a whole: who reads such a folder reads all of it."""

from collections.abc import Collection, Iterator, Mapping

from upwind.audit.findings import Checked, Finding, FindingKind, broken
from upwind.audit.provenance_graph import RecordedRun, within
from upwind.common.wording import first_few

_SHOWN = 3


def check_folders(run: RecordedRun, live: Collection[str]) -> Checked:
    """Each job that read from a folder which another job wrote as a whole read all its files, and
    no more. Of one that is in its maker's record alone, or in its reader's, one of the two was
    altered: a segmentation can be planted, or taken away."""
    makers = {path: name for name in sorted(live) for path in _folders(run, name)}
    findings = [f for folder, name in makers.items() for f in _readers(run, live, folder, name)]
    return Checked(tuple(findings), {"folders": len(makers)})


def _folders(run: RecordedRun, name: str) -> Iterator[str]:
    record = run.records[name]
    for declared in record.declared:
        if any(path != declared and within(path, declared) for path in record.outputs):
            yield declared


def _readers(run: RecordedRun, live: Collection[str], folder: str, maker: str) -> Iterator[Finding]:
    made = _below(run.records[maker].outputs, folder)
    readers = {reader for path in made for reader in run.readers.get(path, ())}
    for reader in sorted(readers & set(live)):
        other = sorted(made ^ _below(run.records[reader].inputs, folder))
        if other:
            message = f"{run.records[maker].name} and {run.records[reader].name} do not name the "
            message += f"same files in it: {first_few(other, _SHOWN)}"
            remedy = f"delete {folder}, and run the workflow again"
            yield broken(FindingKind.link, folder, message, remedy, run.fallen([maker]))


def _below(files: Mapping[str, object], folder: str) -> set[str]:
    return {path for path in files if within(path, folder)}
