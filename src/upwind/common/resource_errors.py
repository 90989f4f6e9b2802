"""What a person reads when the machine runs out of disk, rights or memory: what happened, where,
and what to do about it."""

import errno
import re
import shutil
from pathlib import Path

from upwind.common.errors import StorageError, UpwindError

_AGAIN = "then run the same command again"
# What the system's error numbers mean for a file that was to be written, and what to do.
_STORAGE = {
    errno.ENOSPC: (
        "no space is left on its file system",
        f"Free some space there (`df -h` and `df -i` show how much), {_AGAIN}.",
    ),
    errno.EDQUOT: (
        "the disk quota there is used up",
        f"Free some of it (`quota -s` shows how much) or ask for more, {_AGAIN}.",
    ),
    errno.EROFS: (
        "its file system is read-only",
        f"Mount it for writing or work in a folder elsewhere, {_AGAIN}.",
    ),
    errno.EACCES: (
        "this user may not write there",
        f"Look at the owner and the rights of its folder (`ls -ld`), {_AGAIN}.",
    ),
    errno.EFBIG: (
        "it is larger than the file system, or the limit of this process (`ulimit -f`), allows",
        f"Raise the limit, {_AGAIN}.",
    ),
    errno.EIO: (
        "its disk, or the network to it, reports an input/output error",
        f"Have the disk looked at, {_AGAIN}.",
    ),
}
_STORAGE[errno.EPERM] = _STORAGE[errno.EACCES]
_STORAGE[errno.EISDIR] = ("a folder of that name is there", f"Rename it or the file, {_AGAIN}.")
_STORAGE[errno.ENOTDIR] = _STORAGE[errno.EEXIST] = (
    "a file is where its folder should be",
    f"Rename it or the folder, {_AGAIN}.",
)
# Those that can only come from writing, whatever the file.
_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}
_GB = 1e9
_LEAST = 10**6  # bytes: Snakemake's notes of a run


def check_room(folder: Path) -> None:
    """Raises UpwindError where hardly anything is free on the file system of ``folder``: Snakemake
    could not keep its own notes there, and would end in tracebacks."""
    usage = shutil.disk_usage(folder)
    if usage.total and usage.free < _LEAST:
        what, advice = _STORAGE[errno.ENOSPC]
        raise UpwindError(f"nothing can be written to {folder}: {what}{_room(folder)}. {advice}")


def storage_error(error: BaseException, path: Path) -> StorageError | None:
    """An error that says why ``path`` was not written; None where ``error`` is not of the kind that
    a disk, or the rights on it, cause."""
    number = _error_number(error)
    if number not in _STORAGE:
        return None
    what, advice = _STORAGE[number]
    return StorageError(f"{path} was not written: {what}{_room(path)}. {advice}", number)


def storage_problem(error: BaseException, log: Path) -> str | None:
    """The same in a sentence, for an error from anywhere in a job whose log is ``log``; None also
    where it may be about a file that was read, unless that one may not be opened."""
    named = getattr(error, "filename", None)
    if _error_number(error) in _WRITING:
        # A write that failed does not name its file. Other files than the log go through
        # upwind.common.files, which does.
        return str(storage_error(error, Path(named or log)))
    if isinstance(error, PermissionError) and named:
        return (
            f"{named} cannot be opened: permission is denied. Look at its owner and rights and at "
            f"those of its folder (`ls -ld`), {_AGAIN}."
        )
    return None


def memory_problem(error: BaseException) -> str | None:
    """What to do, if ``error`` says that memory of the machine or of its GPU is short."""
    said = (str(error).strip() or "no further detail").splitlines()[0]
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which not every job imports
        return (
            f"the GPU's memory is too small for this job ({said}). Look who else uses it "
            "(`nvidia-smi`), or take a larger one"
        )
    if isinstance(error, MemoryError) or "DefaultCPUAllocator: can't allocate memory" in said:
        return (
            f"this job needs more memory than is free ({said}). Run fewer jobs at once (fewer "
            "--cores, or --resources mem_mb=N for all of them together), or give it more (on a "
            "cluster, more mem_mb)"
        )
    return None


def _error_number(error: BaseException) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    # As safetensors, written in Rust, passes it on.
    rust = re.search(r"\(os error (\d+)\)", str(error))
    return int(rust[1]) if rust else None


def _room(path: Path) -> str:
    existing = next((p for p in (path, *path.absolute().parents) if p.exists()), Path("/"))
    try:
        usage = shutil.disk_usage(existing)
    except OSError:
        return ""
    return f" ({usage.free / _GB:.1f} of {usage.total / _GB:.1f} GB are free)"
