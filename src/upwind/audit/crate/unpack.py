"""Unpack a crate into a folder, whatever is in it, and hash what comes out."""

import hashlib
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from upwind.audit.findings import Finding, FindingKind, broken
from upwind.common.errors import UpwindError
from upwind.provenance.hashing import FileState
from upwind.provenance.records import FOLDER

UNPACK_AGAIN = "get the crate again, or have it written again from the results"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Unpacked:
    """A crate in the folder ``root``: its files with hash and size, by path, and findings of what
    could not be unpacked."""

    root: Path
    states: Mapping[str, FileState]
    findings: tuple[Finding, ...]


def unpack(path: Path, root: Path) -> Unpacked:
    """Unpack ``path`` into the empty folder ``root``.

    Raises UpwindError for a file that is no zip archive, or one that no crate is: with entries that
    lead out of the folder, are links, or are there twice.
    """
    states: dict[str, FileState] = {}
    findings: list[Finding] = []
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _refuse_unsafe(path, entries)
            for entry in entries:
                try:
                    states[entry.filename] = _unpack_one(archive, entry, root)
                except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
                    (root / entry.filename).unlink(missing_ok=True)
                    message = f"it cannot be unpacked: {error}"
                    findings.append(
                        broken(FindingKind.changed, entry.filename, message, UNPACK_AGAIN)
                    )
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        raise UpwindError(f"{path} is no readable zip archive: {error}") from error
    return Unpacked(root, states, tuple(findings))


def experiment_in(crate: Unpacked) -> str | None:
    """The folder of results in a crate, by the records in it; None where there is not just one."""
    homes = {
        "/".join(PurePosixPath(name).parts[:2])
        for name in crate.states
        if PurePosixPath(name).match(f"results/*/{FOLDER}/*/*.json")
    }
    return homes.pop() if len(homes) == 1 else None


def _refuse_unsafe(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    count = Counter(entry.filename for entry in entries)
    for entry in entries:
        name = PurePosixPath(entry.filename)
        outside = name.is_absolute() or ".." in name.parts or "\\" in entry.filename
        if outside or stat.S_ISLNK(entry.external_attr >> 16) or count[entry.filename] > 1:
            raise UpwindError(f"{path} is no crate: its entry {entry.filename!r} is not unpacked")


def _unpack_one(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path) -> FileState:
    place = root / entry.filename
    place.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with archive.open(entry) as source, place.open("wb") as target:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += len(block)
            target.write(block)
    return FileState(digest.hexdigest(), size, 0)
