"""Content of files."""

import hashlib
import os

import pytest

from upwind.provenance.hashing import TIMESTAMP, FileState, files_in, holds, sha256_of, state_of


def test_state_is_that_of_the_bytes(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"\x00liver\xff")
    state = state_of(file)
    assert state.sha256 == hashlib.sha256(b"\x00liver\xff").hexdigest()
    assert (state.bytes, state.mtime_ns) == (7, file.stat().st_mtime_ns)


def test_a_changed_byte_is_seen_although_size_and_date_are_the_same(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"liver")
    before = state_of(file)
    file.write_bytes(b"river")
    os.utime(file, ns=(before.mtime_ns, before.mtime_ns))
    assert holds(file, before, trust_dates=True)  # what dates cannot tell
    assert not holds(file, before, trust_dates=False)


def test_an_older_file_with_other_content_does_not_hold(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"liver")
    before = state_of(file)
    file.write_bytes(b"river")
    os.utime(file, ns=(before.mtime_ns - 10**12, before.mtime_ns - 10**12))
    assert not holds(file, before, trust_dates=True)


def test_a_touched_file_holds(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"liver")
    before = state_of(file)
    os.utime(file, ns=(1, 1))
    assert holds(file, before, trust_dates=True)


def test_a_missing_file_holds_nothing(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"")
    before = state_of(file)
    file.unlink()
    assert not holds(file, before, trust_dates=True)


def test_what_never_ends_is_not_read(tmp_path):
    """A record may name a device or a pipe; waiting for either would be for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (pipe, tmp_path / "link", tmp_path):
        with pytest.raises(OSError, match=r"not a plain file|directory"):
            sha256_of(path)
        assert not holds(path, FileState("0" * 64, path.stat().st_size, 0), trust_dates=False)


def test_folders_file_by_file_without_snakemakes_own(tmp_path):
    folder = tmp_path / "unseen"
    (folder / "deep").mkdir(parents=True)
    for name in ("b", "deep/a", TIMESTAMP):
        (folder / name).touch()
    single = tmp_path / "table.csv"
    assert list(files_in([single, folder])) == [single, folder / "b", folder / "deep/a"]
