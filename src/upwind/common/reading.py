"""Files that somebody else may have written, read within bounds."""

import errno
import os
import stat
from io import BufferedReader
from typing import Any

from pydantic import ValidationError

# Of a text that is read as a whole: a record of a job on all of LiTS has 100 kB.
MOST_BYTES = 64 << 20


def open_plain(path: str | os.PathLike[str]) -> BufferedReader:
    """A plain file, opened for reading.

    Raises OSError for any other: a pipe or a device would be waited for, or read, for ever.
    """
    # Without O_NONBLOCK, to open a pipe would wait for its writer.
    file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")  # noqa: PTH123, SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a plain file", os.fspath(path))
    return file


def text_of(path: str | os.PathLike[str], most: int = MOST_BYTES) -> str:
    """A plain file's text in UTF-8. Raises OSError, also for one of more than ``most`` bytes, and
    UnicodeDecodeError."""
    with open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"of more than {most:,} bytes", os.fspath(path))
        return file.read(most).decode("utf-8")


def first_fault(error: ValidationError) -> str:
    """The first thing that a typed model finds wrong, with its place: ``graph.3.@id: ...``."""
    fault = error.errors()[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON (``object_pairs_hook``). Raises ValueError for a name that is written
    twice: of that one reader takes the first value and another the last."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it writes {twice!r} twice")
    return dict(pairs)
