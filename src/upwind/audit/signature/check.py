"""A crate's signature: what was signed is what is there, by a key that the reader knows, at a time
that an authority attests."""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from upwind.audit.findings import Checked, Finding, FindingKind, broken, unchecked
from upwind.audit.signature.openssh import (
    NotSignedError,
    Signer,
    UnknownKeyError,
    signer_of,
)
from upwind.audit.signature.statement import FILES, SIGNATURE, STAMP, STATEMENT, digests_in
from upwind.audit.signature.timestamps import NotStampedError, time_of
from upwind.common.errors import UpwindError
from upwind.common.wording import first_few

_GET_AGAIN = "get the crate again, or ask who published it for a signed one"
_SHOWN = 3


@dataclass(frozen=True)
class Trusted:
    """Whom a reader trusts: a file of ``signers`` (as ssh-keygen's), and the certificate of an
    ``authority`` for time stamps (PEM); None for what they do not ask about."""

    signers: Path | None = None
    authority: Path | None = None


@dataclass(frozen=True)
class Signed:
    """What came of it: findings, and who signed and when, for people (empty where that is not
    established)."""

    checked: Checked
    by: str = ""


def check_signature(root: Path, digests: Mapping[str, str], trusted: Trusted) -> Signed:
    """Check the signature in the folder ``root``, whose files have the SHA-256 ``digests`` by path.

    Raises UpwindError where what the reader asks for needs a program or a file that is not here.
    """
    if SIGNATURE not in digests or STATEMENT not in digests:
        return Signed(Checked(tuple(_unsigned(trusted))))
    content, signature = (root / STATEMENT).read_bytes(), (root / SIGNATURE).read_bytes()
    findings = list(_stated(content, digests))
    stamp = (root / STAMP).read_bytes() if STAMP in digests else None
    time, more = _stamped(signature, stamp, trusted)
    findings += more
    signer, more = _signer(content, signature, trusted, time)
    findings += more
    holds = Checked(tuple(findings)).holds
    if signer is None or not signer.name or not holds:
        return Signed(Checked(tuple(findings)))
    when = f", before {time:%Y-%m-%d %H:%M} UTC" if time else ""
    return Signed(Checked(tuple(findings), {"signatures": 1}), f"{signer.name}{when}")


def _unsigned(trusted: Trusted) -> Iterator[Finding]:
    if trusted != Trusted():
        message = (
            "the crate is not signed: nothing tells who made it, or that it is as they made it"
        )
        yield broken(FindingKind.signature, STATEMENT, message, _GET_AGAIN)


def _stated(content: bytes, digests: Mapping[str, str]) -> Iterator[Finding]:
    """The statement is of the files that are there."""
    try:
        signed = digests_in(content)
    except ValueError as error:
        yield broken(FindingKind.signature, STATEMENT, f"it is not as signed: {error}", _GET_AGAIN)
        return
    here = {path: digest for path, digest in digests.items() if path not in FILES}
    other = sorted(path for path in signed.keys() | here if signed.get(path) != here.get(path))
    if other:
        message = f"what was signed is not what is there: {first_few(other, _SHOWN)}"
        yield broken(FindingKind.signature, STATEMENT, message, _GET_AGAIN)


def _signer(
    content: bytes, signature: bytes, trusted: Trusted, time: datetime.datetime | None
) -> tuple[Signer | None, list[Finding]]:
    try:
        signer = signer_of(content, signature, trusted.signers, time)
    except NotSignedError as error:
        remedy = _GET_AGAIN
        if isinstance(error, UnknownKeyError):
            remedy = "ask who published it for their public key, over another way than the crate's;"
            remedy += f" if it is this one, add a line to {trusted.signers}: NAME KEYTYPE KEY"
        return None, [broken(FindingKind.signature, SIGNATURE, str(error), remedy)]
    except UpwindError as error:
        if trusted.signers is not None:
            raise
        return None, [unchecked(FindingKind.signature, SIGNATURE, str(error), "audit it there")]
    if signer.name:
        return signer, []
    message = f"it is a signature by the key {signer.key}; whose that is was not asked"
    remedy = "give a file of the keys that you trust with --signers"
    return signer, [unchecked(FindingKind.signature, SIGNATURE, message, remedy)]


def _stamped(
    signature: bytes, stamp: bytes | None, trusted: Trusted
) -> tuple[datetime.datetime | None, list[Finding]]:
    if trusted.authority is None:
        message = "when the signature was there was not asked"
        remedy = "give the certificate of the authority that stamped it with --authority"
        told = [unchecked(FindingKind.signature, STAMP, message, remedy)]
        return None, told if stamp is not None else []
    if stamp is None:
        message = "the signature has no time stamp"
        return None, [broken(FindingKind.signature, STAMP, message, _GET_AGAIN)]
    try:
        return time_of(signature, stamp, trusted.authority), []
    except NotStampedError as error:
        return None, [broken(FindingKind.signature, STAMP, str(error), _GET_AGAIN)]
