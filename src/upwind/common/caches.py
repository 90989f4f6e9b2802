"""Where libraries keep their caches, on machines where the usual places cannot be written, and what
else the surroundings say that no figure or table may depend on."""

import functools
import logging
import os
import stat
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

_log = logging.getLogger(__name__)


def settle(environment: MutableMapping[str, str]) -> None:
    """Set in ``environment`` what libraries that are loaded from now on need.

    Figures are files, so that a notebook's way to show them (MPLBACKEND), which this environment
    may not have, is not taken. Where matplotlib's and Snakemake's caches cannot be written, they
    are put into TMPDIR.
    """
    environment["MPLBACKEND"] = "agg"
    home = Path(environment.get("HOME") or Path.home())
    for name, usual, kept in (
        ("MPLCONFIGDIR", home / ".config", "matplotlib"),
        ("XDG_CACHE_HOME", home / ".cache", "libraries"),
    ):
        if not _can_be_written(Path(environment.get(name) or usual)):
            environment[name] = str(private_folder(kept))


def show_anywhere() -> None:
    """Let a terminal or pipe that is not UTF-8 show a question mark for what it cannot show, such
    as × or …, where Python would end the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and (stream.encoding or "").lower().replace("-", "") != "utf8":
            reconfigure(errors="replace")


@functools.cache
def private_folder(name: str) -> Path:
    """A folder in TMPDIR that only this user can write, the same for each of their processes; said
    once in a warning."""
    folder = Path(tempfile.gettempdir(), f"upwind-{os.getuid()}", name)
    try:
        for place in (folder.parent, folder):
            place.mkdir(mode=0o700, exist_ok=True)
        own = _is_private(folder.parent) and _is_private(folder)
    except OSError:
        own = False
    if not own:  # somebody else made it: what is read from a cache is executed
        folder = Path(tempfile.mkdtemp(prefix="upwind-"))
    _log.warning(f"the usual places cannot be written: the cache of {name} is in {folder}")
    return folder


def _is_private(folder: Path) -> bool:
    status = folder.lstat()
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not others


def _can_be_written(folder: Path) -> bool:
    """Is a folder, or the one that it would be made in, writable?"""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)
