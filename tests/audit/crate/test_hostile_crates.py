"""Crates that somebody made to do harm, or that were damaged: the audit ends, with findings or with
one message, and nothing is written that could fill a disk."""

import contextlib
import errno
import json
import os
import shutil
import zipfile
from collections import namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crates import read, rewrite, small_repository
from fuzzing import tries
from upwind.audit.crate import audited, unpack, write
from upwind.audit.crate.audited import audit_crate
from upwind.audit.crate.labels import AUDIT, METADATA
from upwind.audit.findings import Checked, FindingKind, Severity
from upwind.audit.whole import Audit
from upwind.common.errors import UpwindError

# What JSON can say, in place of what stands there.
VALUES = st.sampled_from(
    [
        *(None, -1, True, 1.5, 10**400, "", "²", "\x00", "\x1b[2J", "x" * 10_000, "/dev/zero"),
        *([], [1], ["File"], {}, {"a": 1}, {"@id": []}, {"@id": {}}),
    ]
)


@pytest.fixture
def crate(experiment, tmp_path, monkeypatch):
    """A crate whose description is compared to the last word, and whose results are not audited."""
    checkout = small_repository(tmp_path / "repository")
    monkeypatch.setattr(write, "find_checkout", lambda root: checkout)
    monkeypatch.setattr(audited, "_other_writer", lambda root: "")
    for module in (write, audited):
        monkeypatch.setattr(module, "audit", lambda *_, **__: Audit(tmp_path, Checked(), False, 0))
    return write.write_crate(experiment.results, tmp_path / "crate.zip").path


def broken(path):
    return {(f.kind, f.path) for f in audit_crate(path).of(Severity.broken)}


def changed(content, data):
    """The same JSON with another value somewhere in it."""
    copy = json.loads(json.dumps(content))
    here = copy
    while True:
        keys = list(here) if isinstance(here, dict) else range(len(here))
        key = data.draw(st.sampled_from(keys))
        if not here[key] or not isinstance(here[key], dict | list) or data.draw(st.booleans()):
            here[key] = data.draw(VALUES)
            return copy
        here = here[key]


@tries(20)
@given(data=st.data())
def test_any_value_in_the_description(crate, data):
    files = read(crate)
    name = data.draw(st.sampled_from([METADATA, METADATA, AUDIT]))
    rewrite(crate, **{name: json.dumps(changed(json.loads(files[name]), data)).encode()})
    broken(crate)
    rewrite(crate, **files)


@tries(20)
@given(data=st.data())
def test_any_byte_of_the_archive(crate, data):
    before = crate.read_bytes()
    content = bytearray(before)
    for _ in range(data.draw(st.integers(1, 4))):
        # The table of contents stands at the end.
        place = data.draw(st.integers(0, 6000) | st.integers(0, len(content) - 1))
        content[-1 - place] = data.draw(st.integers(0, 255))
    crate.write_bytes(content)
    with contextlib.suppress(UpwindError):
        broken(crate)
    crate.write_bytes(before)


@pytest.mark.parametrize(
    "text",
    [
        *("[" * 100_000, "\xff", '{"@graph": {"@id": "a"}}', '{"@graph": [{"@id": 1}]}'),
        '{"@graph": [{"@id": "a", "@id": "b"}]}',
        '{"@graph": [{"@id": "a"}, {"@id": "a"}]}',
    ],
)
def test_a_description_that_is_none_is_one_finding(crate, text):
    rewrite(crate, **{METADATA: text.encode("latin-1")})
    assert broken(crate) == {(FindingKind.record, METADATA)}


@pytest.mark.parametrize(
    "name", ["\x1b[2Jx", "a/./b", "a//b", "results", "x" * 1025, "\u202egpj.exe", "./a"]
)
def test_a_name_that_is_no_plain_one(crate, name):
    with zipfile.ZipFile(crate, "a") as archive:
        archive.writestr(name, "text")
    with pytest.raises(UpwindError, match=r"its entry '.*' is not unpacked") as error:
        audit_crate(crate)
    assert str(error.value).isprintable()


def test_a_bomb_is_refused_before_a_byte_is_written(crate, tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "_unpack_one", lambda *_: pytest.fail("something was written"))
    with zipfile.ZipFile(crate, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("results/x/zeros", bytes(200 << 20))
    with pytest.raises(UpwindError, match=r"its 0\.\d MB would become 210 MB"):
        audit_crate(crate)


def test_too_many_entries(crate, monkeypatch):
    monkeypatch.setattr(unpack, "_MOST_ENTRIES", 5)
    with pytest.raises(UpwindError, match=r"is no crate: it has \d+ entries"):
        audit_crate(crate)


def test_no_room_for_it(crate, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6, 1000))
    with pytest.raises(UpwindError, match=r"0 MB: make room there, or name a folder .* in TMPDIR"):
        audit_crate(crate)


def test_a_disk_that_is_full_meanwhile(crate, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(unpack, "_unpack_one", full)
    with pytest.raises(UpwindError, match="No space left on device: make room there") as error:
        audit_crate(crate)
    assert "zip archive" not in str(error.value)
