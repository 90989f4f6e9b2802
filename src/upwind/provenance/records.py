"""One record a job: what it read, wrote, ran and was told, where and when.

A record is a JSON file ``records/<rule>/<wildcards>.json`` beside the job's outputs. Its last
field, ``seal``, is the SHA-256 of the text without it, so that a record which was altered later, by
a byte, does not pass.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from upwind.common.errors import UpwindError
from upwind.common.files import write_text
from upwind.common.reading import first_fault, once_each, text_of
from upwind.provenance.hashing import FileState, sha256_of_text

FOLDER = "records"
OK = "ok"
# The report is made when a run has succeeded, by no rule; its record is named like one.
REPORT = "report"

_END = "\n}"
_SEAL = re.compile(r',\n "seal": "([0-9a-f]{64})"\n\}\n\Z')


# A record may come from anywhere: what is read of one has these types.
_Name = Annotated[str, Field(max_length=4096, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Text = Annotated[str, Field(max_length=4096, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Files = dict[_Name, FileState]


def _a_moment(text: str) -> str:
    if text and datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("is no time with its zone")
    if text and not "1970" <= text[:4] <= "9998":  # a zone must not lead out of the calendar
        raise ValueError("is no year in which a computer ran")
    return text


def _a_commit(git: dict[str, str | bool] | None) -> dict[str, str | bool] | None:
    if git is not None and [type(git.get(key)) for key in ("commit", "dirty")] != [str, bool]:
        raise ValueError("does not name a commit, and whether files differed from it")
    return git


_Moment = Annotated[_Text, AfterValidator(_a_moment)]


@dataclass(frozen=True)
class Record:
    """One job. ``inputs``, ``outputs`` and ``logs`` are files by path, folders file by file;
    ``declared`` are the outputs as the rule names them; ``order_only`` are inputs that had to be
    there and whose content does not matter; ``code`` is the hash of each module that the job could
    reach, its script among them; ``packages`` are versions of what these import; ``git`` is commit
    and ``dirty``; times are UTC in ISO 8601."""

    __pydantic_config__: ClassVar = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    rule: _Name
    wildcards: dict[_Name, _Text]  # a wildcard may stand for nothing
    inputs: _Files
    outputs: _Files
    logs: _Files
    declared: list[_Name]
    order_only: list[_Name]
    params: dict[str, Any]
    code: dict[_Name, _Text]
    packages: dict[_Name, _Text]
    git: Annotated[dict[str, str | bool] | None, AfterValidator(_a_commit)]
    machine: dict[_Name, Any]
    accelerators: list[_Text] = field(default_factory=list)
    scheduler_job: _Text | None = None
    threads: Annotated[int, Field(ge=1)] = 1
    started: _Moment = ""
    ended: _Moment = ""
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
        body = _unsealed(text_of(path))
        json.loads(body, object_pairs_hook=once_each)
        record = _RECORD.validate_json(body)
        if not Path(path).match(str(record_path("", record.rule, record.wildcards))):
            raise ValueError(f"it is the record of another job: {record.name}")
        return record
    except ValidationError as error:
        fault = ValueError(first_fault(error))
        raise UpwindError(f"{path} is not an intact record of a job: {fault}") from fault
    except (OSError, ValueError, RecursionError) as error:
        raise UpwindError(f"{path} is not an intact record of a job: {error}") from error


def read_records(folder: str | os.PathLike[str]) -> Iterator[tuple[Path, Record | UpwindError]]:
    """Every record kept under ``folder``, sorted by path; the error instead of one that is not
    intact."""
    for path in sorted((Path(folder) / FOLDER).rglob("*.json")):
        try:
            yield path, read_record(path)
        except UpwindError as error:
            yield path, error


def records_below(folders: Iterable[str | os.PathLike[str]]) -> list[Record]:
    """The intact records kept under ``folders``."""
    found = (record for folder in folders for _, record in read_records(folder))
    return [record for record in found if isinstance(record, Record)]


_RECORD = TypeAdapter(Record)


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
