"""Publish an experiment as one zip file: an RO-Crate with its results, workflow and records."""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from upwind.audit.checks.checkout import find_checkout
from upwind.audit.crate.content import files_inside, files_outside
from upwind.audit.crate.labels import AUDIT, METADATA
from upwind.audit.crate.metadata import Publication, metadata_text
from upwind.audit.findings import Finding, Severity
from upwind.audit.provenance_graph import RecordedRun, load, written
from upwind.audit.signature.openssh import sign
from upwind.audit.signature.statement import SIGNATURE, STAMP, STATEMENT, statement
from upwind.audit.signature.timestamps import stamp
from upwind.audit.whole import Audit, audit
from upwind.common.errors import UpwindError
from upwind.common.files import atomic_path
from upwind.provenance.hashing import FileState, state_of

# The same content gives the same bytes: no date of today, no owner, one order.
_DATE, _MODE, _UNIX = (1980, 1, 1, 0, 0, 0), 0o644, 3
_BLOCK = 1 << 20
_SHOWN = 5


@dataclass(frozen=True)
class WrittenCrate:
    """A crate: its file with SHA-256, how many files are in it and how many it only describes, and
    the findings of the audit that are broken (none unless forced)."""

    path: Path
    sha256: str
    files: int
    described: int
    broken: tuple[Finding, ...]


@dataclass(frozen=True)
class Signing:
    """By what a crate is signed: an OpenSSH ``key`` (private, or public with an agent), and the
    address of an ``authority`` that stamps the time (none without one)."""

    key: Path
    authority: str | None = None


def write_crate(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    force: bool = False,
    licence: str | None = None,
    signing: Signing | None = None,
) -> WrittenCrate:
    """Write the experiment whose results lie in ``folder`` as a crate to ``out`` (.zip), whole or
    not at all.

    ``licence`` is the address of a licence other than the repository's; ``signing`` is by what it
    is signed. Raises UpwindError for results that do not pass the audit, unless ``force``: the
    crate then says so itself; for results that change meanwhile; where the workflow is not here;
    and where it cannot be signed.
    """
    out = Path(out)
    if out.suffix != ".zip":
        raise UpwindError(f"{out}: a crate is a zip file; name it .zip")
    run = load(folder)
    repository = find_checkout(run.root).repository
    if repository is None:
        raise UpwindError("a crate holds the workflow, which is not here: run this in a checkout")
    audited = audit(folder)
    broken = tuple(audited.of(Severity.broken))
    if broken and not force:
        raise UpwindError(_refusal(run, broken))
    files = files_inside(run, repository)
    if out.resolve() in {path.resolve() for path in files.values()}:
        raise UpwindError(f"{out} is one of the files that go into the crate; name another")
    states = {name: state_of(path) for name, path in files.items()}
    if not broken:
        _check_unchanged(run, states)
    said = _audit_text(audited)
    states[AUDIT] = FileState(hashlib.sha256(said).hexdigest(), len(said), 0)
    metadata = metadata_text(run, states, Publication(licence, len(broken))).encode()
    signature = _signature(metadata, states, signing) if signing else {}
    _write_zip(out, files, states, {METADATA: metadata, AUDIT: said}, signature)
    outside = files_outside(run, states)
    inside = len(states) + 1 + len(signature)
    return WrittenCrate(out, state_of(out).sha256, inside, len(outside), broken)


def _signature(
    metadata: bytes, states: Mapping[str, FileState], signing: Signing
) -> dict[str, bytes]:
    """The statement of all that goes into the crate, its signature and the time stamp of that."""
    digests = {name: state.sha256 for name, state in states.items()}
    said = statement(digests | {METADATA: hashlib.sha256(metadata).hexdigest()})
    signature = sign(said, signing.key)
    stamps = {STAMP: stamp(signature, signing.authority)} if signing.authority else {}
    return {STATEMENT: said, SIGNATURE: signature, **stamps}


def _refusal(run: RecordedRun, broken: tuple[Finding, ...]) -> str:
    lines = [f"{run.folder} does not pass the audit, so it is not published:"]
    lines += [f"  {finding.path}: {finding.message}" for finding in broken[:_SHOWN]]
    if len(broken) > _SHOWN:
        lines.append(f"  and {len(broken) - _SHOWN} more")
    lines.append("upwind audit says what to do; --force publishes it with these findings in it")
    return "\n".join(lines)


def _check_unchanged(run: RecordedRun, states: Mapping[str, FileState]) -> None:
    """What the audit has just found sound must be what goes into the crate."""
    for path, name in run.makers.items():
        if path in states and states[path].sha256 != written(run.records[name])[path].sha256:
            raise UpwindError(f"{path} changed while the crate was written; run this again")


def _audit_text(audited: Audit) -> bytes:
    """The findings, without what differs from one audit to the next."""
    content = {
        "holds": audited.holds,
        "counts": dict(sorted(audited.checked.counts.items())),
        "findings": [asdict(finding) for finding in audited.checked.findings],
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def _write_zip(
    out: Path,
    files: Mapping[str, Path],
    states: Mapping[str, FileState],
    made: Mapping[str, bytes],
    signature: Mapping[str, bytes],
) -> None:
    with atomic_path(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        # The metadata come first: who streams the archive learns what is in it.
        for name in (METADATA, *sorted(states), *signature):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = _MODE << 16
            info.create_system = _UNIX
            digest = hashlib.sha256()
            with archive.open(info, "w", force_zip64=True) as entry:
                given = made.get(name, signature.get(name))
                for block in _blocks(files[name]) if given is None else [given]:
                    digest.update(block)
                    entry.write(block)
            if name in states and digest.hexdigest() != states[name].sha256:
                raise UpwindError(f"{name} changed while the crate was written; run this again")


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
