"""Content of files: SHA-256, size, and when it was last looked at."""

import functools
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from upwind.common.reading import open_plain

# Snakemake puts this empty file into folders that are outputs, after the job.
TIMESTAMP = ".snakemake_timestamp"


@dataclass(frozen=True)
class FileState:
    """What a file held: SHA-256 (hex) and size in bytes; ``mtime_ns`` is when it was last changed
    then, and serves only to spare a second hashing."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]
    mtime_ns: int


def state_of(path: str | os.PathLike[str]) -> FileState:
    """Hash a file. In one process a file of the same size and date is not hashed again."""
    status = Path(path).stat()
    digest = _sha256(os.fspath(path), status.st_ino, status.st_size, status.st_mtime_ns)
    return FileState(digest, status.st_size, status.st_mtime_ns)


def holds(path: str | os.PathLike[str], state: FileState, trust_dates: bool) -> bool:
    """Does the file still hold what ``state`` says? With ``trust_dates`` a file of the same size
    and date counts as the same without being read."""
    try:
        status = Path(path).stat()
        if status.st_size != state.bytes:
            return False
        if trust_dates and status.st_mtime_ns == state.mtime_ns:
            return True
        return sha256_of(path) == state.sha256
    except OSError:
        return False


def files_in(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """The files among ``paths`` and, sorted, all files below the folders among them."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(
                inside
                for inside in path.rglob("*")
                if inside.is_file() and inside.name != TIMESTAMP
            )
        else:
            yield path


def sha256_of_text(text: str) -> str:
    """SHA-256 (hex) of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 (hex) of a file's bytes, read now.

    Raises OSError for what is no plain file: a record may name anything, and a pipe or a device
    would be read for ever.
    """
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state_now(path: str | os.PathLike[str]) -> FileState:
    """What a file holds, read anew, without its date. Raises OSError as :func:`sha256_of`."""
    return FileState(sha256_of(path), Path(path).stat().st_size, 0)


@functools.cache
def _sha256(path: str, inode: int, size: int, mtime_ns: int) -> str:
    return sha256_of(path)
