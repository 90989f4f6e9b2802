"""One record a job: what it read, wrote, ran and was told, where and when.

A record is a JSON file ``records/<rule>/<wildcards>.json`` beside the job's outputs. Its last
field, ``seal``, is the SHA-256 of the text without it, so that a record which was altered later, by
a byte, does not pass.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from upwind.common.errors import UpwindError
from upwind.common.files import write_text
from upwind.provenance.hashing import FileState, sha256_of_text

FOLDER = "records"
OK = "ok"

_END = "\n}"
_SEAL = re.compile(r',\n "seal": "([0-9a-f]{64})"\n\}\n\Z')


@dataclass(frozen=True)
class Record:
    """One job. ``inputs``, ``outputs`` and ``logs`` are files by path, folders file by file;
    ``declared`` are the outputs as the rule names them; ``order_only`` are inputs that had to be
    there and whose content does not matter; ``code`` is the hash of each module that the job could
    reach, its script among them; ``packages`` are versions of what these import; ``git`` is commit
    and ``dirty``; times are UTC in ISO 8601."""

    rule: str
    wildcards: dict[str, str]
    inputs: dict[str, FileState]
    outputs: dict[str, FileState]
    logs: dict[str, FileState]
    declared: list[str]
    order_only: list[str]
    params: dict[str, Any]
    code: dict[str, str]
    packages: dict[str, str]
    git: dict[str, Any] | None
    machine: dict[str, Any]
    accelerators: list[str] = field(default_factory=list)
    scheduler_job: str | None = None
    threads: int = 1
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    status: str = OK

    @property
    def name(self) -> str:
        """Rule and wildcards, as people name a job."""
        return f"{self.rule} {_wildcards(self.wildcards)}".strip()


def record_path(folder: str | os.PathLike[str], rule: str, wildcards: Mapping[str, str]) -> Path:
    """Where the record of a job is kept whose results lie under ``folder``."""
    return Path(folder) / FOLDER / rule / f"{_wildcards(wildcards) or 'job'}.json"


def write_record(path: str | os.PathLike[str], record: Record) -> None:
    """Write a record atomically, sealed."""
    write_text(path, _layout(asdict(record)))


def read_record(path: str | os.PathLike[str]) -> Record:
    """Read a record. Raises UpwindError for one that is damaged or does not match its seal."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        content = json.loads(_unsealed(text))
        for side in ("inputs", "outputs", "logs"):
            content[side] = {name: FileState(**state) for name, state in content[side].items()}
        record = Record(**content)
        if not Path(path).match(str(record_path("", record.rule, record.wildcards))):
            raise ValueError(f"it is the record of another job: {record.name}")
        return record
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UpwindError(f"{path} is not an intact record of a job: {error}") from error


def read_records(folder: str | os.PathLike[str]) -> Iterator[tuple[Path, Record | UpwindError]]:
    """Every record kept under ``folder``, sorted by path; the error instead of one that is not
    intact."""
    for path in sorted((Path(folder) / FOLDER).rglob("*.json")):
        try:
            yield path, read_record(path)
        except UpwindError as error:
            yield path, error


def _wildcards(wildcards: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(wildcards.items()))


def _layout(content: Mapping[str, Any]) -> str:
    """A record's text, sealed: the SHA-256 of the text without the seal is its last entry."""
    body = json.dumps(content, sort_keys=True, default=str, indent=1)
    return f'{body[: -len(_END)]},\n "seal": "{sha256_of_text(body)}"{_END}\n'


def _unsealed(text: str) -> str:
    """A record's text without its seal. Raises ValueError where they do not match.

    The text is hashed as it stands, not written anew from what it says: records are many, and are
    read before every run.
    """
    found = _SEAL.search(text)
    if not found:
        raise ValueError("it does not end in a seal: it is cut short, or no record")
    body = text[: found.start()] + _END
    if found[1] != sha256_of_text(body):
        raise ValueError("it does not match its seal: it was changed after the job")
    return body
