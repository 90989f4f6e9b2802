import hashlib
import os

import pytest

from upwind.versions.hashes import Hashes

DAY_NS = 86_400 * 10**9


def set_date(path, mtime_ns):
    os.utime(path, ns=(mtime_ns, mtime_ns))


@pytest.fixture
def volume(tmp_path):
    path = tmp_path / "volume-0.nii"
    path.write_bytes(b"first" * 1000)
    return path


def test_md5_is_that_of_the_content(tmp_path, volume):
    assert Hashes(tmp_path).md5(volume) == hashlib.md5(b"first" * 1000).hexdigest()


def test_what_was_hashed_before_is_not_read_again_also_in_another_process(tmp_path, volume):
    hashes = Hashes(tmp_path)
    assert not hashes.known(volume)
    md5 = hashes.md5(volume)
    hashes.keep()
    again = Hashes(tmp_path)
    assert again.known(volume)
    date = volume.stat().st_mtime_ns
    with volume.open("r+b") as file:  # the same size, date and inode: nobody can tell
        file.write(b"other")
    set_date(volume, date)
    assert again.md5(volume) == md5


@pytest.mark.parametrize("change", ["date", "size", "replaced"])
def test_another_date_size_or_file_is_read(tmp_path, volume, change):
    hashes = Hashes(tmp_path)
    before = hashes.md5(volume)
    date = volume.stat().st_mtime_ns
    if change == "replaced":
        other = tmp_path / "other"
        other.write_bytes(b"other" * 1000)
        other.replace(volume)
    else:
        with volume.open("r+b") as file:
            file.write(b"other")
            if change == "size":
                file.truncate(900)
    set_date(volume, date + (DAY_NS if change == "date" else 0))
    assert not hashes.known(volume)
    assert hashes.md5(volume) == hashlib.md5(volume.read_bytes()).hexdigest() != before


def test_a_link_is_the_same_file(tmp_path, volume):
    hashes = Hashes(tmp_path)
    hashes.md5(volume)
    link = tmp_path / "copy"
    link.hardlink_to(volume)
    assert hashes.known(link)


def test_files_that_are_gone_are_forgotten(tmp_path, volume):
    other = tmp_path / "other"
    other.write_bytes(b"x")
    hashes = Hashes(tmp_path)
    hashes.md5(volume)
    hashes.md5(other)
    volume.unlink()
    hashes.keep()
    (memory,) = (tmp_path / ".dvc").rglob("*.json")
    assert str(other) in memory.read_text()
    assert str(volume) not in memory.read_text()


def test_memories_of_two_processes_are_joined(tmp_path, volume):
    other = tmp_path / "volume-1.nii"
    other.write_bytes(b"x")
    one, two = Hashes(tmp_path), Hashes(tmp_path)
    one.md5(volume)
    two.md5(other)
    one.keep()
    two.keep()
    both = Hashes(tmp_path)
    assert both.known(volume)
    assert both.known(other)


@pytest.mark.parametrize("text", ["{half", "[]", ""])
def test_a_damaged_memory_is_forgotten(tmp_path, volume, text):
    hashes = Hashes(tmp_path)
    hashes.md5(volume)
    hashes.keep()
    (memory,) = (tmp_path / ".dvc").rglob("*.json")
    memory.write_text(text)
    assert not Hashes(tmp_path).known(volume)
    assert Hashes(tmp_path).md5(volume) == hashlib.md5(volume.read_bytes()).hexdigest()


def test_a_memory_that_cannot_be_kept_is_no_error(tmp_path, volume):
    (tmp_path / ".dvc").write_text("a file where the folder should be")
    hashes = Hashes(tmp_path)
    hashes.md5(volume)
    hashes.keep()
