"""Unpack a crate into a folder, whatever is in it, and hash what comes out.

A crate may come from anywhere. What it would become is known from its table of contents, which
bounds what is read of each entry too, so that it is refused before a byte is written.
"""

import errno
import hashlib
import lzma
import shutil
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
# A run of LiTS' 131 cases has some 3,000 files.
_MOST_ENTRIES = 100_000
# Text of logs and tables packs to a tenth; zeros, as in a zip bomb, to a thousandth.
_MOST_RATIO, _SMALL = 100, 100 << 20
_LONGEST_NAME = 1024
_OTHER_FOLDER = "make room there, or name a folder with room in TMPDIR"
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


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
    lead out of the folder, are links, are there twice or have no plain name, with more than 100,000
    entries, or with more in it than a hundred times its own size; and where there is no room for
    it.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, ValueError, *_DAMAGED) as error:
        raise UpwindError(f"{path} is no readable zip archive: {error}") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _refuse_unsafe(path, entries)
        _refuse_huge(path, entries, root)
        try:
            return _unpack_all(archive, entries, root)
        except OSError as error:
            room = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            remedy = f": {_OTHER_FOLDER}" if room else ""
            raise UpwindError(f"{path} cannot be unpacked into {root}: {error}{remedy}") from error


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
    folders = {str(above) for name in count for above in PurePosixPath(name).parents}
    for entry in entries:
        name = entry.filename
        link = stat.S_ISLNK(entry.external_attr >> 16)
        if not _is_plain(name) or link or count[name] > 1 or name in folders:
            raise UpwindError(
                f"{path} is no crate: its entry {name[:_LONGEST_NAME]!r} is not unpacked"
            )


def _is_plain(name: str) -> bool:
    """Is it a path below a folder, of characters that print, in the one way to write it?"""
    plain = PurePosixPath(name)
    inside = not plain.is_absolute() and ".." not in plain.parts and str(plain) == name
    return inside and name.isprintable() and "\\" not in name and len(name) <= _LONGEST_NAME


def _refuse_huge(path: Path, entries: list[zipfile.ZipInfo], root: Path) -> None:
    size, packed = sum(entry.file_size for entry in entries), path.stat().st_size
    if len(entries) > _MOST_ENTRIES:
        raise UpwindError(f"{path} is no crate: it has {len(entries):,} entries")
    if size > max(_MOST_RATIO * packed, _SMALL):
        raise UpwindError(
            f"{path} is no crate: its {packed / 1e6:,.1f} MB would become {size / 1e6:,.0f} MB"
        )
    free = shutil.disk_usage(root).free
    if size > free:
        raise UpwindError(
            f"{path} needs {size / 1e6:,.0f} MB unpacked, and {root.parent} has "
            f"{free / 1e6:,.0f} MB: {_OTHER_FOLDER}"
        )


def _unpack_all(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], root: Path) -> Unpacked:
    states: dict[str, FileState] = {}
    findings: list[Finding] = []
    for entry in entries:
        try:
            states[entry.filename] = _unpack_one(archive, entry, root)
        except (RuntimeError, *_DAMAGED) as error:  # RuntimeError: it is encrypted
            (root / entry.filename).unlink(missing_ok=True)
            message = f"it cannot be unpacked: {error}"
            findings.append(broken(FindingKind.changed, entry.filename, message, UNPACK_AGAIN))
    return Unpacked(root, states, tuple(findings))


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
