"""Records against what their scripts import: one that names less of it hides code."""

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from upwind.audit.checks.checkout import Checkout
from upwind.audit.findings import Checked, Finding, FindingKind, broken
from upwind.audit.provenance_graph import RecordedRun
from upwind.common.errors import UpwindError
from upwind.common.reading import text_of
from upwind.common.wording import first_few
from upwind.provenance.fingerprint import (
    imported_modules,
    module_fingerprints,
    package_versions,
    source_fingerprint,
)
from upwind.provenance.records import Record

_SHOWN = 3


@dataclass(frozen=True)
class _Reached:
    """Fingerprints of a ``script`` and of the modules that it reaches, and what packages these
    compute with, by the code that is running."""

    script: str
    code: Mapping[str, str]
    packages: Set[str]

    def is_of(self, record: Record, script: str) -> bool:
        """Is it the code that a record names, as far as it names it? Of other code, imports are not
        known without executing it."""
        same = (record.code.get(module, digest) == digest for module, digest in self.code.items())
        return record.code[script] == self.script and all(same)


def check_imports(run: RecordedRun, live: Collection[str], checkout: Checkout) -> Checked:
    """Each of the records ``live`` whose code is the one that is running names all of it that its
    script, read in ``checkout``, imports."""
    known: dict[str, _Reached | None] = {}
    findings: list[Finding] = []
    for name in sorted(live):
        record = run.records[name]
        script = next((module for module in record.code if module.endswith(".py")), None)
        if script is None:
            continue
        if script not in known:
            known[script] = _reached(checkout, script)
        reached = known[script]
        if reached is not None and reached.is_of(record, script):
            findings += _lacking(run, name, reached)
    return Checked(tuple(findings))


def _reached(checkout: Checkout, script: str) -> _Reached | None:
    place = checkout.source(script)
    if place is None or place.name != script:
        return None
    try:
        return _of_source(place)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError, UpwindError):
        return None  # that it is not what it was is said elsewhere


def _of_source(place: Path) -> _Reached:
    source = text_of(place)
    modules = imported_modules(source)
    packages = package_versions(modules).keys()
    return _Reached(source_fingerprint(source), module_fingerprints(modules), packages)


def _lacking(run: RecordedRun, name: str, reached: _Reached) -> Iterator[Finding]:
    record = run.records[name]
    modules = sorted(reached.code.keys() - record.code.keys())
    lacking = modules + sorted(reached.packages - record.packages.keys())
    if lacking:
        message = f"it does not name what its script imports: {first_few(lacking, _SHOWN)}"
        affects = run.fallen([name])
        yield broken(FindingKind.record, name, message, "run the workflow again", affects)
