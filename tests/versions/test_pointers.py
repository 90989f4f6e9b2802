from pathlib import Path

import pytest

from upwind.common.errors import UpwindError
from upwind.versions.pointers import pointer_path, read_pointer

GOOD = "outs:\n- md5: 0a1b2c.dir\n  size: 5\n  nfiles: 2\n  hash: md5\n  path: lits\n"


@pytest.fixture
def pointer(tmp_path):
    path = tmp_path / "lits.dvc"
    path.write_text(GOOD)
    return path


def test_pointer_names_folder_and_version(pointer):
    read = read_pointer(pointer)
    assert read.version == "0a1b2c.dir"
    assert read.folder == pointer.parent / "lits"
    assert read.path == pointer
    assert read.files == 2


def test_pointer_lies_beside_its_folder():
    assert pointer_path("data/lits") == pointer_path("data/lits/") == Path("data/lits.dvc")
    assert pointer_path(Path("data/v1.5")) == Path("data/v1.5.dvc")


def test_dvcs_own_pointer_is_read(project):
    read = read_pointer(Path("data/lits.dvc"))
    assert read.folder == Path("data/lits")
    assert len(read.version) == 32 + len(".dir")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("path: lits", "path: other", "does not point to the folder .*lits, but to other"),
        ("0a1b2c.dir", "0a1b2c", "does not point to the folder"),
        ("  hash: md5\n", "", r"written by DVC 2: .*dvc add"),
        ("outs:", "ins:", r"not a readable DVC pointer.*git checkout -- "),
        ("- md5", "  md5", "not a readable DVC pointer"),
        ("outs:\n", "<<<<<<< HEAD\n", "not a readable DVC pointer"),
    ],
)
def test_what_is_no_pointer_to_a_folder_is_refused(pointer, old, new, message):
    pointer.write_text(GOOD.replace(old, new))
    with pytest.raises(UpwindError, match=message):
        read_pointer(pointer)


def test_a_missing_pointer_is_named(tmp_path):
    with pytest.raises(UpwindError, match=r"lits\.dvc is not a readable DVC pointer"):
        read_pointer(tmp_path / "lits.dvc")
