"""Signed crates: what the commands write and say."""

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crates import read, rewrite, small_repository
from signatures import ALICE, served
from upwind.audit.crate import audited, write
from upwind.audit.crate.labels import METADATA
from upwind.audit.findings import Checked
from upwind.audit.signature.statement import FILES, SIGNATURE, STATEMENT, digests_in, statement
from upwind.audit.whole import Audit
from upwind.cli import app
from upwind.provenance.records import _layout, _unsealed

HOME = "results/x"
RECORD = f"{HOME}/records/tabulate/job.json"


@pytest.fixture(autouse=True)
def _hand_made(tmp_path, monkeypatch):
    """Numbers of hand-made experiments are not audited, and this version wrote their crates."""
    checkout = small_repository(tmp_path / "repository")
    monkeypatch.setattr(write, "find_checkout", lambda root: checkout)

    def audit(folder, **options):
        return Audit(Path(folder), Checked(counts={"records": 26}), False, 1.0)

    for module in (write, audited):
        monkeypatch.setattr(module, "audit", audit)
    monkeypatch.setattr(audited, "_other_writer", lambda root: "")


@pytest.fixture
def published(experiment, tmp_path):
    """Write a crate by the command."""

    def publish(*arguments):
        path = tmp_path / "crate.zip"
        command = ["crate", str(experiment.results), "-o", str(path), "--overwrite"]
        done = CliRunner().invoke(app, [*command, *map(str, arguments)])
        return path, done

    return publish


@pytest.fixture
def crate(published, keys):
    path, done = published("--sign", keys["alice"])
    assert done.exit_code == 0, done.output
    return path


def unpacked(crate):
    """A crate's files in a folder."""
    folder = crate.parent / "unpacked"
    folder.mkdir()
    return audited.unpack(crate, folder)


def audit_of(path, *arguments):
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["audit", str(path), *map(str, arguments)])
    return done.exit_code, " ".join(done.output.split())


def test_every_file_is_in_the_statement(crate):
    files = read(crate)
    assert digests_in(files[STATEMENT]).keys() == files.keys() - {*FILES}
    assert METADATA in digests_in(files[STATEMENT])


def test_the_same_run_and_key_give_the_same_bytes(crate, published, keys):
    before = crate.read_bytes()
    assert published("--sign", keys["alice"])[0].read_bytes() == before


def test_it_says_who_vouches_for_it(crate, signers):
    code, said = audit_of(crate, "--signers", signers)
    assert code == 0
    assert f"who vouches for the records {ALICE} yes" in said
    report = json.loads(CliRunner().invoke(app, ["audit", str(crate), "--json"]).output)
    assert report["signed_by"] == ""


def test_an_unsigned_one_says_so(published, signers):
    path, _ = published()
    code, said = audit_of(path)
    assert code == 0
    assert "who vouches for the records seals are no signatures not checked" in said
    code, said = audit_of(path, "--signers", signers)
    assert code == 1
    assert "the crate is not signed" in said


def forged(crate):
    """A record written anew with its seal, and the descriptions made to fit."""
    files = read(crate)
    record = json.loads(_unsealed(files[RECORD].decode())) | {"seconds": 1.5}
    old = digests_in(files[STATEMENT])
    rewrite(crate, **{RECORD: _layout(record).encode()})
    new = unpacked(crate).states[RECORD].sha256
    metadata = files[METADATA].replace(old[RECORD].encode(), new.encode())
    rewrite(crate, **{METADATA: metadata})
    return old | {RECORD: new}


def test_a_record_that_was_written_anew_with_its_seal(crate, signers):
    forged(crate)
    code, said = audit_of(crate, "--signers", signers)
    assert code == 1
    assert "what was signed is not what is there" in said
    assert RECORD in said


def test_with_the_statement_written_anew_too(crate, signers):
    digests = forged(crate)
    rewrite(crate, **{STATEMENT: statement(digests)})
    code, said = audit_of(crate, "--signers", signers)
    assert code == 1
    assert "the signature is not one of this statement" in said


def test_signed_anew_by_a_key_that_nobody_knows(published, keys, signers):
    path, _ = published("--sign", keys["mallory"])
    code, said = audit_of(path, "--signers", signers)
    assert code == 1
    assert "has the key ED25519 SHA256:" in said
    assert "ask who published it for their public key" in said


def test_a_signature_of_another_crate(crate, signers):
    signature = read(crate)[SIGNATURE]
    rewrite(crate, **{SIGNATURE: signature[:60] + b"A" + signature[61:]})
    assert audit_of(crate, "--signers", signers)[0] == 1


def test_openssh_and_sha256sum_check_it_by_themselves(crate, signers):
    """As docs/provenance.md says."""
    folder = unpacked(crate).root
    command = f"ssh-keygen -Y verify -f {signers} -I {ALICE} -n upwind-crate -s {SIGNATURE}"
    with (folder / STATEMENT).open("rb") as said:
        subprocess.run(command.split(), cwd=folder, stdin=said, check=True, capture_output=True)
    subprocess.run(
        ["sha256sum", "--check", "--quiet", STATEMENT], cwd=folder, check=True, capture_output=True
    )


def test_results_in_place_are_not_signed(experiment, signers):
    code, said = audit_of(experiment.results, "--signers", signers)
    assert code == 1
    assert "crates are signed: give the crate" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--timestamp", "https://example.org"], "give --sign KEY with it"),
        (["--sign", "nowhere"], "nowhere is no key"),
    ],
)
def test_what_cannot_be_signed_is_not_written(published, arguments, message):
    path, done = published(*arguments)
    assert done.exit_code == 1
    assert message in done.output
    assert not path.exists()


def test_an_authority_attests_when(published, keys, signers, authority):
    with served(authority.reply) as address:
        path, done = published("--sign", keys["alice"], "--timestamp", address)
    assert done.exit_code == 0, done.output
    assert read(path).keys() > {*FILES}
    code, said = audit_of(path, "--signers", signers, "--authority", authority.certificate)
    assert code == 0
    assert f"{ALICE}, before 20" in said


def test_no_authority_answers(published, keys):
    path, done = published("--sign", keys["alice"], "--timestamp", "http://127.0.0.1:9/")
    assert done.exit_code == 1
    assert "gives no time stamp" in done.output
    assert not path.exists()
