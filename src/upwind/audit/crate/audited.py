"""Audit a published crate: on any machine, without the volumes, with the code that is in it.

The crate's own description is held against its files and its records, and the unpacked experiment
goes through the audit of any other. What a crate leaves out is named as not checked.
"""

import importlib.metadata
import json
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from upwind.audit.checks.checkout import find_checkout, fingerprint_of
from upwind.audit.crate.content import is_left_out
from upwind.audit.crate.description import Published, kinds_of, read_broken, read_entities
from upwind.audit.crate.labels import AUDIT, METADATA
from upwind.audit.crate.metadata import Publication, metadata_text
from upwind.audit.crate.unpack import UNPACK_AGAIN, Unpacked, experiment_in, unpack
from upwind.audit.findings import (
    Checked,
    Finding,
    FindingKind,
    Severity,
    broken,
    unchecked,
    warning,
)
from upwind.audit.provenance_graph import RecordedRun, load, within, written
from upwind.audit.signature.check import Trusted, check_signature
from upwind.audit.signature.statement import FILES as SIGNATURE_FILES
from upwind.audit.whole import Audit, audit
from upwind.common.errors import UpwindError
from upwind.common.wording import first_few
from upwind.provenance.fingerprint import module_fingerprints
from upwind.provenance.hashing import FileState
from upwind.provenance.records import FOLDER

_PINS = "envs/requirements.txt"
_WRITER = "upwind.audit.crate.metadata"
_SHOWN = 5
_DIGITS = 20  # of a file's size
# What the audit says of files that are not here: said once for all that the crate leaves out.
_ABSENT = (FindingKind.missing, FindingKind.raw_data)


def audit_crate(
    path: str | os.PathLike[str], deep: bool = False, trusted: Trusted | None = None
) -> Audit:
    """Check a crate that ``upwind crate`` wrote, from its signature to the cells of its Table I.

    With ``deep`` it says that scores cannot be made again without the volumes; whom the reader has
    ``trusted`` must have signed it. Raises UpwindError for a file that is no zip archive, that must
    not be unpacked, or that holds no experiment, and where a signature cannot be checked here.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="upwind-crate-") as folder:
        crate = unpack(Path(path), Path(folder))
        home = experiment_in(crate)
        if home is None:
            raise UpwindError(f"{path} is no crate of upwind: it does not hold one experiment")
        digests = {name: state.sha256 for name, state in crate.states.items()}
        signed = check_signature(crate.root, digests, trusted or Trusted())
        run = load(crate.root / home, crate.root)
        left_out = _left_out(run)
        inside = audit(run.folder, ask=False, left_out=left_out)
        parts = [
            Checked(crate.findings, {"crate_files": len(crate.states)}),
            signed.checked,
            Checked(tuple(_described(run, crate))),
            Checked(tuple(_here(run, inside.checked.findings)), inside.checked.counts),
            Checked(tuple(_not_contained(run, left_out))),
            Checked(tuple(_pinned(run, crate.root))),
            Checked(tuple(_published_broken(crate))),
        ]
        if deep:
            parts.append(Checked((_no_volumes(run),)))
    whole = Checked.all_of(parts)
    return Audit(Path(path), _once(whole), deep, time.monotonic() - started, signed.by)


def _left_out(run: RecordedRun) -> set[str]:
    """What a crate of this run leaves out on purpose; nothing where no record tells."""
    try:
        return {name for name in _recorded(run) if is_left_out(run, name)}
    except UpwindError:
        return set()


def _recorded(run: RecordedRun) -> set[str]:
    return {name for record in run.records.values() for name in (*record.inputs, *written(record))}


def _described(run: RecordedRun, crate: Unpacked) -> Iterator[Finding]:
    """The crate's description against its files, and against what its records give."""
    try:
        entities = read_entities(crate.root / METADATA)
    except UpwindError as error:
        message = f"the crate's description cannot be read: {error}"
        yield broken(FindingKind.record, METADATA, message, UNPACK_AGAIN)
        return
    stated = {
        unquote(name): FileState(str(entity.get("sha256")), _size(entity), 0)
        for name, entity in entities.items()
        if "File" in kinds_of(entity) and not name.startswith("#")
    }
    wrong = list(_files(run, crate, stated))
    yield from wrong
    if any(f"/{FOLDER}/" in finding.path for finding in wrong):
        return  # jobs cannot be told without their records
    reason = _other_writer(crate.root)
    if reason:
        message = f"what the description says of jobs is not compared with records: {reason}"
        remedy = "audit it with the version of upwind that wrote it, which is in it"
        yield unchecked(FindingKind.record, METADATA, message, remedy)
        return
    yield from _statements(run, crate, entities, stated)


def _files(run: RecordedRun, crate: Unpacked, stated: Mapping[str, FileState]) -> Iterator[Finding]:
    """Each file is described, with its hash and size, and each described one is there."""
    for name in sorted(crate.states.keys() - stated.keys() - {METADATA, *SIGNATURE_FILES}):
        message = "the crate's description does not know it"
        yield broken(FindingKind.unexplained, name, message, UNPACK_AGAIN)
    damaged = {finding.path for finding in crate.findings}
    for name in sorted(stated.keys() - crate.states.keys() - damaged):
        message = "the crate's description lists it, and it is not there"
        yield broken(FindingKind.missing, name, message, UNPACK_AGAIN)
    for name in sorted(stated.keys() & crate.states.keys()):
        if stated[name] == crate.states[name]:
            continue
        maker = run.record_of(name)
        if maker is not None and written(maker)[name].sha256 == crate.states[name].sha256:
            message = f"hash or size that it gives of {name} are not those of the file, which is "
            message += "as its job wrote it"
            yield broken(FindingKind.record, METADATA, message, UNPACK_AGAIN)
        else:
            message = "its content is not the one that the crate's description gives"
            yield broken(FindingKind.changed, name, message, UNPACK_AGAIN)


def _other_writer(root: Path) -> str:
    """Why the description cannot be made again as it was; empty where it can: the same code and
    library wrote it."""
    checkout = find_checkout(root)
    for module, digest in module_fingerprints([_WRITER]).items():
        source = checkout.source(module)
        if source is None or fingerprint_of(source) != digest:
            return f"another version of upwind wrote it ({module} differs)"
    pinned, installed = _pins(root).get("rocrate"), importlib.metadata.version("rocrate")
    return "" if pinned == installed else f"rocrate {pinned} wrote it, {installed} is here"


def _statements(
    run: RecordedRun,
    crate: Unpacked,
    entities: Mapping[str, Mapping[str, Any]],
    stated: Mapping[str, FileState],
) -> Iterator[Finding]:
    """Every statement against what records give, and the files as they are stated (whether they
    are so has been said)."""
    licence = _reference(entities.get("./", {}).get("license"))
    then = len(_broken_then(crate.root))
    try:
        text = metadata_text(run, stated, Publication(None if licence in stated else licence, then))
    except UpwindError as error:
        message = f"the description cannot be made again from the crate: {error}"
        yield broken(FindingKind.record, METADATA, message, UNPACK_AGAIN)
        return
    expected = {entity["@id"]: entity for entity in json.loads(text)["@graph"]}
    differing = [
        unquote(name)
        for name in sorted(expected.keys() | entities.keys())
        if expected.get(name) != entities.get(name)
    ]
    if differing:
        about = first_few(differing, _SHOWN)
        message = f"what it says of {about} is not what records and files give"
        yield broken(FindingKind.record, METADATA, message, UNPACK_AGAIN)


def _here(run: RecordedRun, findings: tuple[Finding, ...]) -> Iterator[Finding]:
    """Findings of the audit of what was unpacked, as they count for a crate."""
    minor = platform.python_version_tuple()[:2]
    pythons = {str(r.machine.get("python")) for r in run.records.values()}
    other_python = any(tuple(version.split(".")[:2]) != minor for version in pythons)
    for finding in findings:
        if finding.kind is FindingKind.package and finding.severity is Severity.broken:
            message = f"{finding.message}: nothing could be made again alike here"
            yield replace(finding, severity=Severity.unchecked, message=message, affects=())
        elif (
            finding.kind is FindingKind.code
            and other_python
            and finding.severity is Severity.broken
        ):
            message = f"{finding.message}; with another Python ({', '.join(pythons)}) the hash of"
            message += " the same code can differ, so this is not known"
            yield replace(finding, severity=Severity.unchecked, message=message, affects=())
        elif finding.kind is FindingKind.workflow and finding.severity is Severity.unchecked:
            message = "whether the workflow would do anything again cannot be asked: it needs the"
            yield replace(finding, message=f"{message} volumes, which a crate does not hold")
        elif finding.severity is not Severity.unchecked or finding.kind not in _ABSENT:
            yield finding


def _not_contained(run: RecordedRun, left_out: set[str]) -> Iterator[Finding]:
    """What the crate leaves out on purpose, by folder."""
    folders = Counter(_top(run, path) for path in left_out if not run.place(path).exists())
    for folder, count in sorted(folders.items()):
        message = f"the crate describes {count} of its files and does not hold them (volumes,"
        message += " segmentations and slices stay where they are): their content is not checked"
        yield unchecked(FindingKind.raw_data, folder, message, "audit the results where they are")


def _top(run: RecordedRun, path: str) -> str:
    """The folder right below the results that a file lies in, or else the one around it."""
    if within(path, run.home):
        return f"{run.home}/{PurePosixPath(path).relative_to(run.home).parts[0]}"
    return str(PurePosixPath(path).parent)


def _pinned(run: RecordedRun, root: Path) -> Iterator[Finding]:
    """Packages that jobs ran with, against the crate's pins; builds of one version are alike."""
    pins = _pins(root)
    used = {item for record in run.records.values() for item in record.packages.items()}
    for package, version in sorted(used):
        pinned = pins.get(package.lower())
        if pinned is not None and pinned != version.partition("+")[0]:
            message = f"jobs ran with {version}; {_PINS} pins {pinned}"
            remedy = f"install {package} {version} to make the results again"
            yield warning(FindingKind.package, package, message, remedy)


def _pins(root: Path) -> dict[str, str]:
    try:
        lines = (root / _PINS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("#")[0].strip().partition("==") for line in lines)
    return {name.lower(): version for name, _, version in pairs if version}


def _published_broken(crate: Unpacked) -> Iterator[Finding]:
    """Was it published in spite of the audit?"""
    then = _broken_then(crate.root)
    if then:
        first = then[0]
        message = f"the run did not pass the audit when it was published: {len(then)} broken, as "
        message += f"{first.path}: {first.message}"
        remedy = "have the run mended and published again"
        yield broken(FindingKind.record, AUDIT, message, remedy)


def _broken_then(root: Path) -> list[Published]:
    try:
        return read_broken(root / AUDIT)
    except UpwindError:
        return []  # its file is missing or changed, which is found above


def _no_volumes(run: RecordedRun) -> Finding:
    message = "scores were not made again: that needs the volumes, which a crate does not hold"
    remedy = "audit the results where the volumes are, with --deep"
    return unchecked(FindingKind.number, f"{run.home}/scores.csv", message, remedy)


def _once(checked: Checked) -> Checked:
    """One finding for each file that is missing or changed: the one that names what falls."""
    kept: dict[tuple[Severity, FindingKind, str], Finding] = {}
    rest: list[Finding] = []
    for finding in checked.findings:
        if finding.kind not in (FindingKind.missing, FindingKind.changed, FindingKind.unexplained):
            rest.append(finding)
            continue
        key = (finding.severity, finding.kind, finding.path)
        if key not in kept or len(finding.affects) > len(kept[key].affects):
            kept[key] = finding
    return replace(checked, findings=(*kept.values(), *rest))


def _size(entity: Mapping[str, Any]) -> int:
    size = str(entity.get("contentSize"))
    return int(size) if size.isdecimal() and len(size) < _DIGITS else -1


def _reference(value: Any) -> str | None:
    reference = value.get("@id") if isinstance(value, Mapping) else None
    return reference if isinstance(reference, str) else None
