"""The signature of a folder of files, as an audit of a crate sees it."""

import hashlib
import os

import pytest

from signatures import ALICE, line_of
from upwind.audit.findings import FindingKind, Severity
from upwind.audit.signature.check import Trusted, check_signature
from upwind.audit.signature.openssh import sign
from upwind.audit.signature.statement import SIGNATURE, STAMP, STATEMENT, statement
from upwind.common.errors import UpwindError

FILES = {"a.csv": b"a", "records/b.json": b"b"}


class Folder:
    """Files, and their signature."""

    def __init__(self, root):
        self.root = root
        for path, content in FILES.items():
            self.write(path, content)

    def write(self, path, content):
        (self.root / path).parent.mkdir(exist_ok=True)
        (self.root / path).write_bytes(content)

    @property
    def digests(self):
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    def sign(self, key):
        names = (STATEMENT, SIGNATURE, STAMP)
        said = statement({path: d for path, d in self.digests.items() if path not in names})
        self.write(STATEMENT, said)
        self.write(SIGNATURE, sign(said, key))

    def check(self, **trusted):
        signed = check_signature(self.root, self.digests, Trusted(**trusted))
        assert {f.kind for f in signed.checked.findings} <= {FindingKind.signature}
        found = [(f.severity, f.path, f.message) for f in signed.checked.findings]
        return signed.by, found


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "crate").mkdir()
    return Folder(tmp_path / "crate")


@pytest.fixture
def signed(folder, keys):
    folder.sign(keys["alice"])
    return folder


def test_what_a_known_key_signed(signed, signers):
    assert signed.check(signers=signers) == (ALICE, [])


def test_whose_key_it_is_may_not_be_asked(signed):
    by, ((severity, path, message),) = signed.check()
    assert (by, severity, path) == ("", Severity.unchecked, SIGNATURE)
    assert message.startswith("it is a signature by the key ED25519 SHA256:")


def test_an_unsigned_one_says_so_where_a_signature_is_asked_for(folder, signers, tmp_path):
    assert folder.check() == ("", [])
    for asked in ({"signers": signers}, {"authority": tmp_path / "root.pem"}):
        by, ((severity, path, message),) = folder.check(**asked)
        assert (by, severity, path) == ("", Severity.broken, STATEMENT)
        assert "is not signed" in message


def test_a_signature_that_was_taken_away(signed, signers):
    (signed.root / SIGNATURE).unlink()
    _, ((severity, _, message),) = signed.check(signers=signers)
    assert (severity, "is not signed" in message) == (Severity.broken, True)


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize(
    ("path", "content"), [("a.csv", b"other"), ("a.csv", None), ("new.csv", b"")]
)
def test_other_files_than_those_that_were_signed(signed, signers, path, content, asked):
    if content is None:
        (signed.root / path).unlink()
    else:
        signed.write(path, content)
    by, found = signed.check(signers=signers if asked else None)
    message = f"what was signed is not what is there: {path}"
    assert (Severity.broken, STATEMENT, message) in found
    assert by == ""


def test_a_statement_made_to_fit(signed, signers):
    signed.write("a.csv", b"other")
    others = {path: d for path, d in signed.digests.items() if path in FILES}
    signed.write(STATEMENT, statement(others))
    _, ((severity, path, message),) = signed.check(signers=signers)
    assert (severity, path) == (Severity.broken, SIGNATURE)
    assert message.startswith("the signature is not one of this statement")


def test_a_statement_that_is_none(folder, keys, signers):
    folder.write(STATEMENT, b"all is well\n")
    folder.write(SIGNATURE, sign(b"all is well\n", keys["alice"]))
    _, ((severity, path, message),) = folder.check(signers=signers)
    assert (severity, path) == (Severity.broken, STATEMENT)
    assert message.startswith("it is not as signed: its line 'all is well'")


def test_signed_anew_by_somebody_else(signed, keys, signers):
    signed.write("a.csv", b"other")
    signed.sign(keys["mallory"])
    by, ((severity, path, message),) = signed.check(signers=signers)
    assert (by, severity, path) == ("", Severity.broken, SIGNATURE)
    assert message.startswith(f"no line of {signers} has the key ED25519 SHA256:")
    # Who asks for no signer is told the key.
    assert [severity for severity, _, _ in signed.check()[1]] == [Severity.unchecked]


def test_a_time_that_an_authority_attests(signed, signers, authority):
    signed.write(STAMP, authority.stamp((signed.root / SIGNATURE).read_bytes()))
    by, found = signed.check(signers=signers, authority=authority.certificate)
    assert found == []
    assert by.startswith(f"{ALICE}, before 20")
    assert by.endswith(" UTC")
    _, ((severity, path, _),) = signed.check(signers=signers)
    assert (severity, path) == (Severity.unchecked, STAMP)


def test_a_key_that_ran_out_after_it_signed(signed, keys, signers, authority):
    """OpenSSH's time is the stamp's. (That a time before it counts: test_openssh.py.)"""
    signed.write(STAMP, authority.stamp((signed.root / SIGNATURE).read_bytes()))
    signers.write_text(line_of(keys["alice"], options='valid-before="20200601Z"'))
    by, ((severity, path, message),) = signed.check(
        signers=signers, authority=authority.certificate
    )
    assert (by, severity, path) == ("", Severity.broken, SIGNATURE)
    assert "key has expired: verify time 20" in message


def test_no_time_or_one_of_something_else(signed, signers, authority):
    asked = {"signers": signers, "authority": authority.certificate}
    assert signed.check(**asked)[1] == [(Severity.broken, STAMP, "the signature has no time stamp")]
    signed.write(STAMP, authority.stamp(b"another signature"))
    by, ((severity, path, message),) = signed.check(**asked)
    assert (by, severity, path) == ("", Severity.broken, STAMP)
    assert "message imprint mismatch" in message


def test_without_openssh(signed, signers, monkeypatch):
    monkeypatch.setitem(os.environ, "PATH", "")
    assert signed.check()[1] == [
        (
            Severity.unchecked,
            SIGNATURE,
            "ssh-keygen is not here; signatures are its work: install OpenSSH's client, 8.2 or "
            "later",
        )
    ]
    with pytest.raises(UpwindError, match="ssh-keygen is not here"):
        signed.check(signers=signers)
