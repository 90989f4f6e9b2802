"""MD5 of files, as DVC takes it, remembered by size and date: volumes are read once a change."""

import hashlib
import json
import os
from pathlib import Path

from upwind.common.files import write_text


class Hashes:
    """MD5 of files; what was hashed before and has the same size, date and inode is not read again,
    under another name either (DVC links volumes to their copies).

    The memory is a file in DVC's temporary folder of the repository ``root``, which git ignores;
    deleting it costs time only.
    """

    def __init__(self, root: Path):
        self._file = root / ".dvc" / "tmp" / "upwind" / "md5.json"
        self._known = _read(self._file)
        self._new: dict[str, list[int | str]] = {}

    def known(self, path: Path) -> bool:
        """Was the file hashed before, as it is now?"""
        return self._remembered(path.stat()) is not None

    def md5(self, path: Path) -> str:
        """MD5 (hex) of a file."""
        status = path.stat()
        md5 = self._remembered(status)
        if md5 is None:
            with path.open("rb") as file:
                md5 = hashlib.file_digest(file, _md5).hexdigest()
            entry: list[int | str] = [*_stamp(status), md5, str(path.absolute())]
            self._known[_key(status)] = self._new[_key(status)] = entry
        return md5

    def keep(self) -> None:
        """Write down what was hashed; what another process wrote down meanwhile stays."""
        if not self._new:
            return
        known = _read(self._file) | self._new
        try:
            write_text(self._file, json.dumps({k: v for k, v in known.items() if _lives(v)}))
        except OSError:  # a memory, not a result: a folder that cannot be written costs time only
            return
        self._new = {}

    def _remembered(self, status: os.stat_result) -> str | None:
        entry = self._known.get(_key(status))
        return str(entry[2]) if entry and entry[:2] == _stamp(status) else None


def _md5() -> "hashlib._Hash":
    # A name for contents, not a protection; says so where FIPS rules forbid MD5.
    return hashlib.md5(usedforsecurity=False)


def _key(status: os.stat_result) -> str:
    return f"{status.st_dev}:{status.st_ino}"


def _stamp(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns]


def _lives(entry: list[int | str]) -> bool:
    return Path(str(entry[3])).exists()


def _read(path: Path) -> dict[str, list[int | str]]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
