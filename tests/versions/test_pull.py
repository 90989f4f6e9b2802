import hashlib
import shutil
from pathlib import Path

import pytest

from upwind.common.errors import UpwindError
from upwind.versions.cache import Cache
from upwind.versions.pointers import read_pointer
from upwind.versions.pull import pull_data

POINTER = Path("data/lits.dvc")
VOLUMES = ["volume-0.nii", "segmentation-0.nii", "volume-1.nii", "segmentation-1.nii"]


def pull():
    return pull_data(POINTER, "lits")


def refusal():
    with pytest.raises(UpwindError) as refused:
        pull()
    return str(refused.value)


def store(project):
    return project.folder.with_name("store")


def replace(path, content):
    """Another file in its place, as most programs write; the cache keeps the old one."""
    new = path.with_name("new")
    new.write_bytes(content)
    new.replace(path)


def new_version(project):
    """The colleague changes case 1, pushes, and goes back; the new pointer's text."""
    replace(project.folder / "data/lits/volume-1.nii", b"better")
    project.dvc("add", "data/lits")
    project.dvc("push")
    text = (project.folder / POINTER).read_text()
    project.git("checkout", "--", POINTER)
    project.dvc("checkout", "data/lits.dvc")
    return text


def test_a_fresh_clone_gets_the_volumes_and_their_versions(project, clone):
    assert not Path("data/lits").exists()
    rows = pull()
    assert [row.file for row in rows] == VOLUMES
    for row in rows:
        content = (project.folder / "data/lits" / row.file).read_bytes()
        assert (Path("data/lits") / row.file).read_bytes() == content
        assert row.md5 == hashlib.md5(content).hexdigest()
    assert {row.version for row in rows} == {read_pointer(POINTER).version}


def test_what_is_there_needs_no_remote(project):
    shutil.rmtree(store(project))
    before = {path: path.stat().st_mtime_ns for path in Path("data/lits").iterdir()}
    assert len(pull()) == 4
    assert {path: path.stat().st_mtime_ns for path in Path("data/lits").iterdir()} == before


def test_a_remote_that_is_away_is_one_message_and_changes_nothing(project, clone):
    store(project).rename(store(project).with_name("away"))
    text = refusal()
    assert "cannot fetch version" in text
    assert f"({store(project)}, a folder that is not there now)" in text
    assert "its list of files did not come" in text
    assert not Path("data/lits").exists()
    store(project).with_name("away").rename(store(project))
    assert len(pull()) == 4


def test_a_remote_that_lacks_a_volume_changes_nothing(project):
    new = new_version(project)
    for kept in (store(project), project.folder / ".dvc/cache"):
        md5 = hashlib.md5(b"better").hexdigest()
        (kept / "files/md5" / md5[:2] / md5[2:]).unlink()
    before = project.files()
    POINTER.write_text(new)
    text = refusal()
    assert "1 files did not come" in text
    assert "data/lits stays as it was" in text
    POINTER.write_bytes(before[str(POINTER)])
    assert project.files() == before


def test_no_remote_at_all_is_said(clone):
    clone.dvc("remote", "remove", "store")
    assert "from anywhere, as no DVC remote is set (`dvc remote add" in refusal()


def test_a_new_pointer_replaces_what_dvc_has_a_copy_of(project):
    new = new_version(project)
    POINTER.write_text(new)
    rows = {row.file: row for row in pull()}
    assert Path("data/lits/volume-1.nii").read_bytes() == b"better"
    assert rows["volume-1.nii"].md5 == hashlib.md5(b"better").hexdigest()
    project.git("checkout", "--", POINTER)
    pull()
    assert Path("data/lits/volume-1.nii").read_bytes() == b"\x01" * 1000


def test_a_new_pointer_never_replaces_what_was_edited_by_hand(project):
    new = new_version(project)
    edited = {"volume-0.nii": b"a night's work", "volume-1.nii": b"more of it"}
    for name, content in edited.items():
        replace(Path("data/lits") / name, content)
    POINTER.write_text(new)
    text = refusal()
    assert "volume-0.nii, volume-1.nii" in text
    assert "dvc add data/lits" in text
    assert "dvc checkout --force data/lits.dvc" in text
    for name, content in edited.items():
        assert (Path("data/lits") / name).read_bytes() == content


def test_an_added_volume_and_other_files_are_not_removed(project):
    Path("data/lits/volume-7.nii").write_bytes(b"new case")
    assert "volume-7.nii" in refusal()
    Path("data/lits/volume-7.nii").unlink()
    Path("data/lits/notes.txt").write_text("mine")
    assert len(pull()) == 4  # notes are no volumes
    POINTER.write_text(new_version_without_touching(project))
    text = refusal()
    assert "notes.txt" in text
    assert Path("data/lits/notes.txt").read_text() == "mine"


def new_version_without_touching(project):
    """A new version made in another clone."""
    other = project.clone(project.folder.with_name("other"))
    other.dvc("pull", "data/lits.dvc")
    replace(other.folder / "data/lits/volume-1.nii", b"better")
    other.dvc("add", "data/lits")
    other.dvc("push")
    return (other.folder / POINTER).read_text()


def test_what_came_damaged_is_found_though_dvc_takes_it(project, clone):
    md5 = hashlib.md5(b"\x01" * 1000).hexdigest()
    damaged = store(project) / "files/md5" / md5[:2] / md5[2:]
    damaged.chmod(0o644)
    damaged.write_bytes(b"\x01" * 999 + b"\x00")
    for _ in range(2):  # not the next time either
        text = refusal()
        assert "DVC's copy is damaged: volume-1.nii" in text
        assert not Path("data/lits").exists()
    damaged.write_bytes(b"\x01" * 1000)
    obey(text)
    assert len(pull()) == 4


def obey(text):
    """Do what the message says."""
    (line,) = (line for line in text.splitlines() if line.startswith("  rm -f "))
    for path in line.removeprefix("  rm -f ").split():
        Path(path).unlink(missing_ok=True)


def test_written_in_place_through_a_link_is_found_and_stays(project):
    volume = Path("data/lits/volume-1.nii")
    assert volume.stat().st_nlink > 1  # DVC's own copy is this file
    volume.chmod(0o644)
    volume.write_bytes(b"written in place")
    text = refusal()
    assert "DVC's copy is damaged: volume-1.nii" in text
    assert volume.read_bytes() == b"written in place"
    obey(text)
    assert len(pull()) == 4
    assert volume.read_bytes() == b"\x01" * 1000


def test_a_damaged_list_of_files_is_named(project):
    listed = Cache(Path("data")).file(read_pointer(POINTER).version)
    listed.chmod(0o644)
    listed.write_text("[{half")
    assert f"{listed}, DVC's list of files, is damaged" in refusal()


def test_sources_without_git_say_so(project):
    shutil.rmtree(".git")
    assert "the version of data/lits needs git" in refusal()
