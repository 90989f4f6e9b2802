"""What was found out about sources when they were last met, so that a run that has nothing to do
need not do so again: to parse the package takes half a second, to read masks minutes.

Keyed by the source itself, so that nothing in it can be out of date; kept beside Snakemake's own
notes, and lost with them without harm.
"""

import atexit
import json
import sys
from pathlib import Path
from typing import Any

from upwind.common.files import write_text
from upwind.provenance.hashing import sha256_of_text

_FOLDER = Path(".snakemake")


class Known:
    """Fingerprints, or other texts, by the SHA-256 of their sources, in the file ``name``.
    ``made_by`` is the source of what makes them: where that changes, or Python does, they are
    forgotten."""

    def __init__(self, made_by: str, name: str = "upwind-sources.json") -> None:
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        self._maker = f"{python} {sha256_of_text(made_by)}"
        self._name = name
        self._found: dict[str, str] | None = None
        self._file = Path()
        self._new = False

    def get(self, source: str) -> str | None:
        """The fingerprint of a source; None where it is not known."""
        return self._load().get(sha256_of_text(source))

    def set(self, source: str, fingerprint: str) -> None:
        """Keep a fingerprint, here and, when the process ends, in the file."""
        self._load()[sha256_of_text(source)] = fingerprint
        self._new = True

    def _load(self) -> dict[str, str]:
        if self._found is None:
            self._file = _FOLDER.resolve() / self._name
            kept = _read(self._file)
            fits = kept.get("maker") == self._maker and isinstance(kept.get("found"), dict)
            self._found = dict(kept["found"]) if fits else {}
            atexit.register(self._save)
        return self._found

    def _save(self) -> None:
        if self._new and self._file.parent.is_dir():
            try:
                write_text(self._file, json.dumps({"maker": self._maker, "found": self._found}))
            except Exception as error:  # it only spares time
                print(f"{self._file} is not kept: {error}", file=sys.stderr)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
