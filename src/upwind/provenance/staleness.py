"""Which files of earlier runs must not be trusted: what Snakemake's dates and checksums miss.

Snakemake takes an output for good if it is there and not older than its inputs. Records know more:
a file edited by hand, one made from an input that has changed since (also to an older date), one
that no finished job explains.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from upwind.provenance.hashing import FileState, files_in, holds
from upwind.provenance.records import FOLDER, OK, Record

# Files in a folder of results that are no results, or that are looked after elsewhere.
NOT_RESULTS = (FOLDER, "logs")


def untrusted(
    folders: Iterable[str | os.PathLike[str]], records: Collection[Record]
) -> dict[str, str]:
    """Files and folders below ``folders`` (results and data that the workflow made), whose
    ``records`` are given, which their jobs have to make again, each with the reason.

    A path that is no job's output may be among them; it is then nobody's to make. Dates are trusted
    where size and date are as recorded, so that nothing is read that nobody touched.
    """
    roots = [Path(folder) for folder in folders]
    made = {path: state for record in records for path, state in record.outputs.items()}
    reasons: dict[str, str] = {}
    for record in records:
        reason = _distrust(record, made)
        if reason:
            reasons |= dict.fromkeys(record.declared, reason)
    for path in _unexplained(roots, made):
        reasons |= dict.fromkeys(_around(path, roots), f"no record says how {path} was made")
    return reasons


def _distrust(record: Record, made: Mapping[str, FileState]) -> str:
    """Why the outputs of a job cannot be trusted; empty where they can."""
    if record.status != OK:
        return f"its job {record.status}"
    for path, state in record.outputs.items():
        if Path(path).exists() and not holds(path, state, trust_dates=True):
            return f"{path} was changed after its job had written it"
    for path, state in record.inputs.items():
        if path not in record.order_only and not _as_read(path, state, made):
            return f"it was made from another {path} than is there now"
    return ""


def _as_read(path: str, read: FileState, made: Mapping[str, FileState]) -> bool:
    if path in made:
        return made[path].sha256 == read.sha256
    # Raw data, or a result that is gone: the second is for Snakemake to make again.
    return not Path(path).exists() or holds(path, read, trust_dates=True)


def _unexplained(folders: Iterable[Path], made: Mapping[str, FileState]) -> Iterator[Path]:
    for folder in folders:
        for path in files_in([folder]) if folder.is_dir() else ():
            if path.relative_to(folder).parts[0] not in NOT_RESULTS and str(path) not in made:
                yield path


def _around(path: Path, folders: Iterable[Path]) -> Iterator[str]:
    """The path and the folders around it, up to the folder of results."""
    yield str(path)
    for parent in path.parents:
        if parent in folders:
            return
        yield str(parent)
