"""Signatures by OpenSSH (``ssh-keygen -Y``), which is on every cluster and needs no network.

Private keys are never read here: ``ssh-keygen`` asks for a passphrase, an agent or a touch of a
hardware key itself, at the terminal. Format: PROTOCOL.sshsig of OpenSSH; files of signers as in
ssh-keygen(1), "ALLOWED SIGNERS".
"""

import datetime
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.common.programs import output_of, program

# A signature for one use is none for another (OpenSSH's own are "file" and "git").
NAMESPACE = "upwind-crate"
_NEEDED = "install OpenSSH's client, 8.2 or later"
_GOOD = f'Good "{NAMESPACE}" signature '


@dataclass(frozen=True)
class Signer:
    """Who signed, by the name that a file of signers gives the key (empty where none was asked),
    and the key's type and SHA-256 (``ED25519 SHA256:...``)."""

    name: str
    key: str


class NotSignedError(UpwindError):
    """A signature that is not one of this content, or not by a known key."""


class UnknownKeyError(NotSignedError):
    """A good signature by a key that the file of signers does not have."""


def sign(content: bytes, key: Path) -> bytes:
    """The signature of ``content`` with ``key``: a private key, or a public one whose private key
    an agent or a hardware key holds.

    Raises UpwindError where there is no such key, or ``ssh-keygen`` does not sign; what it says
    stands at the terminal.
    """
    if not key.is_file():
        raise UpwindError(f"{key} is no key: make one with `ssh-keygen -t ed25519 -f {key}`")
    with tempfile.TemporaryDirectory(prefix="upwind-sign-") as folder:
        path = Path(folder, "statement")
        path.write_bytes(content)
        command = [_keygen(), "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(path)]
        # Its questions and what it says are the user's.
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        signature = path.with_name("statement.sig")
        if done.returncode or not signature.is_file():
            raise UpwindError(f"ssh-keygen did not sign with {key}; what it says stands above")
        return signature.read_bytes()


def signer_of(
    content: bytes,
    signature: bytes,
    signers: Path | None = None,
    at: datetime.datetime | None = None,
) -> Signer:
    """Who signed ``content``. With ``signers``, the key must be one of that file's, valid ``at``
    that time (now, without one).

    Raises NotSignedError where the signature is not of this content, or by no such key, and
    UpwindError where ``ssh-keygen`` or the file is not here.
    """
    with tempfile.TemporaryDirectory(prefix="upwind-verify-") as folder:
        path = Path(folder, "statement.sig")
        path.write_bytes(signature)
        there = ["-n", NAMESPACE, "-s", str(path)]
        key = _good(["check-novalidate", *there], content)
        if signers is None:
            return Signer("", key)
        if not signers.is_file():
            raise UpwindError(f"{signers} is no file of signers: each line is NAME KEYTYPE KEY")
        when = [f"-Overify-time={at.astimezone(datetime.UTC):%Y%m%d%H%M%SZ}"] if at else []
        known = ["-f", str(signers), *when]
        found = output_of([_keygen(), "-Y", "find-principals", "-s", str(path), *known])
        if found.returncode:
            raise UnknownKeyError(f"no line of {signers} has the key {key}{_why(found.stderr)}")
        name = found.stdout.splitlines()[0]
        return Signer(name, _good(["verify", *there, "-I", name, *known], content))


def _good(arguments: list[str], content: bytes) -> str:
    """The key of a signature that ``ssh-keygen`` finds good."""
    done = output_of([_keygen(), "-Y", *arguments], content)
    said = done.stdout.strip()
    if done.returncode or not said.startswith(_GOOD):
        raise NotSignedError(f"the signature is not one of this statement{_why(done.stderr)}")
    return said.rpartition(" with ")[2].replace(" key ", " ")


def _why(said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line != "No principal matched."]
    return f" ({lines[-1]})" if lines else ""


def _keygen() -> str:
    return program("ssh-keygen", f"signatures are its work: {_NEEDED}")
