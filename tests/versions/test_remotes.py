import pytest

from upwind.versions.remotes import Remote, default_remote


def test_the_default_remote_is_found_with_its_address(empty_project):
    remote = default_remote(empty_project.folder)
    assert remote == Remote("store", str(empty_project.folder.with_name("store")))
    assert not remote.is_away()
    assert str(remote) == f"the DVC remote store ({remote.url})"


def test_a_relative_folder_is_found_from_anywhere(empty_project, monkeypatch, tmp_path):
    empty_project.dvc("remote", "add", "--default", "beside", "../store")
    monkeypatch.chdir(tmp_path)
    remote = default_remote(empty_project.folder)
    assert remote.name == "beside"
    assert not remote.is_away()


def test_without_a_default_there_is_none(empty_project):
    empty_project.dvc("config", "--unset", "core.remote")
    assert default_remote(empty_project.folder) is None


@pytest.mark.parametrize(
    ("url", "away"), [("/no/such/folder", True), ("s3://bucket/x", False), ("/", False)]
)
def test_only_a_folder_can_be_seen_to_be_away(url, away):
    remote = Remote("store", url)
    assert remote.is_away() is away
    assert ("not there now" in str(remote)) is away
