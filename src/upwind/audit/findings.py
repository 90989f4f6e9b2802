"""What an audit finds, and what it looked at."""

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


class Severity(enum.StrEnum):
    """``broken`` ends an audit with exit code 1; the others do not."""

    broken = enum.auto()
    warning = enum.auto()
    unchecked = enum.auto()


class FindingKind(enum.StrEnum):
    """What sort of thing was found. The values are part of the JSON schema."""

    record = "record"  # a record is damaged, was altered, or lies where it does not belong
    missing_record = "missing record"  # a job that belongs to the results left none
    failed_job = "failed job"
    changed = "changed file"
    missing = "missing file"
    unexplained = "unexplained file"
    link = "link"  # a job read something else than is there, or was made, now
    code = "code"
    package = "package"
    parameter = "parameter"
    workflow = "workflow"  # the workflow would make something again
    signature = "signature"  # of another content, by an unknown key, at no attested time
    training = "training"  # weights or curves are not what the training ended with
    number = "number"  # a number cannot be recomputed from what it rests on
    uncommitted = "uncommitted code"
    commits = "several commits"
    machine = "machine"
    left_over = "left over"
    raw_data = "raw data"


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold, is worth knowing, or could not be checked.

    ``path`` is the file, or the record of the job, as records name it; ``message`` says what is
    wrong and ``remedy`` what to do; ``affects`` are the results that were made from it and so fall
    with it (they have no finding of their own for that).
    """

    severity: Severity
    kind: FindingKind
    path: str
    message: str
    remedy: str
    affects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """What a check, or several, came to: findings, and how many things of each sort it looked
    at."""

    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def all_of(cls, parts: Iterable["Checked"]) -> "Checked":
        """Several checks as one."""
        findings: list[Finding] = []
        counts: Counter[str] = Counter()
        for part in parts:
            findings += part.findings
            counts.update(part.counts)
        return cls(tuple(findings), dict(counts))

    @property
    def holds(self) -> bool:
        """Is nothing broken?"""
        return not any(finding.severity is Severity.broken for finding in self.findings)


def broken(
    kind: FindingKind, path: str, message: str, remedy: str, affects: Iterable[str] = ()
) -> Finding:
    """A finding that breaks the chain."""
    return Finding(Severity.broken, kind, path, message, remedy, tuple(affects))


def warning(kind: FindingKind, path: str, message: str, remedy: str) -> Finding:
    """A finding that a reader should know of."""
    return Finding(Severity.warning, kind, path, message, remedy)


def unchecked(kind: FindingKind, path: str, message: str, remedy: str) -> Finding:
    """Something that could not be checked here."""
    return Finding(Severity.unchecked, kind, path, message, remedy)
