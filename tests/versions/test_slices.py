from pathlib import Path

import pytest

from upwind.common.errors import UpwindError
from upwind.versions.cache import Cache
from upwind.versions.pointers import read_pointer
from upwind.versions.slices import track_slices

FOLDER = Path("results/lits/slices")


@pytest.fixture
def files(empty_project):
    FOLDER.mkdir(parents=True)
    files = [FOLDER / f"case-{case}.safetensors" for case in (0, 3)]
    for path in files:
        path.write_bytes(path.name.encode() * 50)
    return files


def test_slices_get_a_pointer_and_stay_as_they_are(empty_project, files):
    before = [path.stat() for path in files]
    version = track_slices(FOLDER, files)
    assert read_pointer("results/lits/slices.dvc").version == version
    for path, status in zip(files, before, strict=True):
        now = path.stat()
        # Neither date nor permissions nor links: nothing made from them becomes out of date.
        for what in ("st_ino", "st_mode", "st_mtime_ns", "st_nlink"):
            assert getattr(now, what) == getattr(status, what), what
    manifest = Cache(FOLDER.parent).manifest(version)
    assert sorted(manifest) == [path.name for path in files]
    assert Cache(FOLDER.parent).missing(version) == []
    status = empty_project.git("status", "--porcelain", "--untracked-files=all")
    assert status == "?? results/lits/slices.dvc\n"


def test_the_pointer_changes_with_a_slices_file_and_goes_back_with_it(files):
    first = track_slices(FOLDER, files)
    content = files[0].read_bytes()
    files[0].write_bytes(b"other")
    second = track_slices(FOLDER, files)
    files[0].write_bytes(content)
    assert second != first == track_slices(FOLDER, files)


def test_slices_of_a_case_that_is_gone_are_not_tracked(files, capsys):
    version = track_slices(FOLDER, files[:1])
    assert list(Cache(FOLDER.parent).manifest(version)) == ["case-0.safetensors"]
    assert not files[1].exists()
    assert "case-3.safetensors is of a case that the data no longer hold" in capsys.readouterr().out


def test_dvcs_refusal_is_a_message(empty_project, files):
    Path(".gitignore").write_text("results\n")
    with pytest.raises(UpwindError, match=r"cannot be put under DVC: .*git-ignored"):
        track_slices(FOLDER, files)


def test_sources_without_git_say_so(tmp_path):
    with pytest.raises(UpwindError, match="needs DVC"):
        track_slices(tmp_path, [])
