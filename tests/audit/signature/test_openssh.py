"""Signatures by OpenSSH."""

import datetime
import os
import subprocess

import pytest

from signatures import ALICE, line_of, made_key
from upwind.audit.signature.openssh import NotSignedError, Signer, sign, signer_of
from upwind.common.errors import UpwindError

CONTENT = b"a statement\n"


@pytest.fixture(scope="module")
def signature(keys):
    return sign(CONTENT, keys["alice"])


def key_of(key):
    command = ["ssh-keygen", "-l", "-f", str(key)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return f"ED25519 {shown[1]}"


def test_who_signed_by_a_known_key(signature, keys, signers):
    assert signer_of(CONTENT, signature, signers) == Signer(ALICE, key_of(keys["alice"]))
    assert signer_of(CONTENT, signature) == Signer("", key_of(keys["alice"]))


def test_the_same_content_gives_the_same_signature(signature, keys):
    assert sign(CONTENT, keys["alice"]) == signature


def test_another_content(signature, signers):
    for asked in (signers, None):
        with pytest.raises(NotSignedError, match="is not one of this statement"):
            signer_of(CONTENT + b" ", signature, asked)


@pytest.mark.parametrize("text", [b"", b"a signature", b"\xff\x00"])
def test_what_is_no_signature(text, signers, signature):
    with pytest.raises(NotSignedError, match="is not one of this statement"):
        signer_of(CONTENT, text, signers)


def test_a_key_that_nobody_has(keys, signers):
    by_other = sign(CONTENT, keys["mallory"])
    message = f"no line of {signers} has the key {key_of(keys['mallory'])}"
    with pytest.raises(NotSignedError) as caught:
        signer_of(CONTENT, by_other, signers)
    assert str(caught.value) == message


def test_a_signature_for_another_use(keys, signers, tmp_path):
    """As of a commit of git, which the same key signs."""
    path = tmp_path / "statement"
    path.write_bytes(CONTENT)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(keys["alice"]), "-n", "git", str(path)]
    subprocess.run(command, check=True)
    with pytest.raises(NotSignedError):
        signer_of(CONTENT, (tmp_path / "statement.sig").read_bytes(), signers)


def test_a_key_that_is_for_another_use(signature, keys, signers):
    signers.write_text(line_of(keys["alice"], options='namespaces="git"'))
    with pytest.raises(NotSignedError):
        signer_of(CONTENT, signature, signers)
    signers.write_text(line_of(keys["alice"], options='namespaces="git,upwind-crate"'))
    assert signer_of(CONTENT, signature, signers).name == ALICE


def test_a_key_that_ran_out_was_good_before(signature, keys, signers):
    signers.write_text(line_of(keys["alice"], options='valid-before="20200601Z"'))
    with pytest.raises(NotSignedError, match="expired"):
        signer_of(CONTENT, signature, signers)
    before, after = (datetime.datetime(2020, m, 1, tzinfo=datetime.UTC) for m in (5, 7))
    assert signer_of(CONTENT, signature, signers, before).name == ALICE
    with pytest.raises(NotSignedError, match="expired"):
        signer_of(CONTENT, signature, signers, after)


@pytest.mark.parametrize("text", ["", "nonsense\n", "\x00\n"])
def test_a_file_without_signers(text, signature, signers):
    signers.write_text(text)
    with pytest.raises(NotSignedError, match="no line of"):
        signer_of(CONTENT, signature, signers)


def test_a_file_of_signers_that_is_not_there(signature, tmp_path):
    with pytest.raises(UpwindError, match="is no file of signers"):
        signer_of(CONTENT, signature, tmp_path / "nobody")


def test_a_key_that_is_not_there(tmp_path):
    with pytest.raises(UpwindError, match=r"is no key: make one with `ssh-keygen -t ed25519"):
        sign(CONTENT, tmp_path / "none")


def test_a_file_that_is_no_key(tmp_path, capfd):
    path = tmp_path / "key"
    path.write_text("no key")
    path.chmod(0o600)
    with pytest.raises(UpwindError, match="did not sign with"):
        sign(CONTENT, path)
    assert capfd.readouterr().err  # ssh-keygen's own words reach the user


def test_an_agent_signs_for_a_public_key(tmp_path, signers, monkeypatch):
    """The private key is not there, or asks for a passphrase: the agent has it."""
    key = made_key(tmp_path / "key")
    signers.write_text(line_of(key))
    started = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True)
    told = dict(part.split("=") for part in started.stdout.split(";") if "=" in part)
    told = {name.strip(): value for name, value in told.items()}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    try:
        subprocess.run(["ssh-add", "-q", str(key)], check=True)
        key.unlink()
        signature = sign(CONTENT, key.with_name("key.pub"))
    finally:
        os.kill(int(told["SSH_AGENT_PID"]), 15)
    assert signer_of(CONTENT, signature, signers).name == ALICE


def test_without_openssh(monkeypatch, keys, signature, signers):
    monkeypatch.setenv("PATH", "")
    for work in (lambda: sign(CONTENT, keys["alice"]), lambda: signer_of(CONTENT, signature)):
        with pytest.raises(UpwindError, match=r"ssh-keygen is not here; .* install OpenSSH"):
            work()
