"""Files that appear whole or not at all, so that a later run never trusts half of one."""

import contextlib
import glob
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upwind.common.errors import UpwindError
from upwind.common.resource_errors import storage_error

if TYPE_CHECKING:  # most jobs need no pandas, which takes half a second to import
    import pandas as pd

_PARTIAL = ".partial-"
_ABANDONED_SECONDS = 24 * 3600  # far longer than any file takes to write


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block succeeds.

    The temporary name ends like the final one, because nibabel and matplotlib choose a format by
    the file's ending. On an exception nothing is left behind and an older ``path`` stays; what a
    killed process left of an earlier attempt is removed. Raises StorageError, an
    UpwindError, where the disk is full or the folder may not be written to.
    """
    final = Path(path)
    temporary = None
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(final)
        temporary = _new_file(final)
        yield temporary
        _publish(temporary, final)
    except Exception as error:
        if not _is_about(final, error) or (told := storage_error(error, final)) is None:
            raise
        raise told from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):  # gone, or what went wrong goes wrong here too
                temporary.unlink()


def _new_file(final: Path) -> Path:
    start = f"{_PARTIAL}{socket.gethostname()}-{os.getpid()}-"
    handle, name = tempfile.mkstemp(prefix=start, suffix="-" + final.name, dir=final.parent)
    os.close(handle)
    return Path(name)


def _publish(temporary: Path, final: Path) -> None:
    # mkstemp makes files private; results are to be shared as the user's umask says.
    umask = os.umask(0)
    os.umask(umask)
    temporary.chmod(0o666 & ~umask)
    # On disk before it has its name: a node that loses power must not leave a whole name on half a
    # file, and some file systems find out only now that they are full.
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(final)


def _remove_abandoned(final: Path) -> None:
    """Remove what killed processes left of ``final``: those of this machine that no longer run,
    and whatever was not written to for a day."""
    for path in final.parent.glob(f"{_PARTIAL}*-{glob.escape(final.name)}"):
        with contextlib.suppress(OSError, ValueError):  # another process may be removing it
            host, pid, _ = (
                path.name.removeprefix(_PARTIAL).removesuffix(f"-{final.name}").rsplit("-", 2)
            )
            ours = host == socket.gethostname()
            old = time.time() - path.stat().st_mtime > _ABANDONED_SECONDS
            if old or (ours and not _runs(int(pid))):
                path.unlink()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _is_about(final: Path, error: Exception) -> bool:
    """Whether an error may come from writing ``final``, and not, say, from a file that is read."""
    if isinstance(error, UpwindError):  # said by whoever knows better
        return False
    named = getattr(error, "filename", None)
    if named is None:
        return True
    path = Path(os.fsdecode(named))
    return path.name.startswith(_PARTIAL) or path == final or path in final.parents


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` (UTF-8) to ``path`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON to ``path`` atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=False) + "\n")


def write_csv(path: str | os.PathLike[str], table: "pd.DataFrame") -> None:
    """Write ``table`` as CSV without its index, atomically and with every digit."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)
