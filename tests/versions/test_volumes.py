import hashlib
import os
import time

import pytest

from upwind.common.errors import UpwindError
from upwind.versions import hashes as hashing
from upwind.versions.hashes import Hashes
from upwind.versions.volumes import (
    check_unedited,
    describe_volumes,
    read_volumes,
    versions_by_case,
    volume_files,
    write_volumes,
)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data/lits"
    folder.mkdir(parents=True)
    for name in ("volume-2.nii", "segmentation-2.nii", "volume-10.nii.gz", "volume-010.nii"):
        (folder / name).write_bytes(name.encode())
    (folder / "notes.txt").write_text("no volume")
    return folder


@pytest.fixture
def rows(root, tmp_path):
    return describe_volumes(root, "lits", "v1.dir", Hashes(tmp_path))


def unedited(root, rows):
    top = root.parents[1]
    check_unedited(root, "lits", rows, top / "data/lits.dvc", Hashes(top))


def message(root, rows):
    with pytest.raises(UpwindError) as refused:
        unedited(root, rows)
    return str(refused.value)


def test_volumes_are_described_by_case_and_role(root, rows):
    assert [(row.case, row.role, row.file) for row in rows] == [
        (2, "image", "volume-2.nii"),
        (2, "label", "segmentation-2.nii"),
        (10, "image", "volume-010.nii"),
        (10, "duplicate", "volume-10.nii.gz"),
    ]
    for row in rows:
        content = (root / row.file).read_bytes()
        assert (row.bytes, row.md5) == (len(content), hashlib.md5(content).hexdigest())
        assert row.mtime_ns == (root / row.file).stat().st_mtime_ns
        assert row.version == "v1.dir"


def test_decathlon_files_are_named_with_their_folders(tmp_path):
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "liver_3.nii.gz").write_bytes(b"x")
    assert volume_files(tmp_path, "msd") == {
        "imagesTr/liver_3.nii.gz": (3, "image"),
        "labelsTr/liver_3.nii.gz": (3, "label"),
    }


def test_a_folder_that_is_not_there_has_no_volumes(tmp_path):
    assert volume_files(tmp_path / "none", "lits") == {}


def test_table_survives_its_file(rows, tmp_path):
    write_volumes(tmp_path / "data.csv", rows)
    assert read_volumes(tmp_path / "data.csv") == rows
    first = (tmp_path / "data.csv").read_text().splitlines()[0]
    assert first == "case,role,file,bytes,mtime_ns,md5,version"


@pytest.mark.parametrize("text", ["case,role\n1,image\n", "case,role,file,bytes\nx,image,f,y\n"])
def test_a_damaged_table_is_refused(tmp_path, text):
    (tmp_path / "data.csv").write_text(text)
    with pytest.raises(UpwindError, match=r"data\.csv is damaged .* delete it and run again"):
        read_volumes(tmp_path / "data.csv")


def test_version_of_a_case_changes_with_its_image_or_its_label(root, rows, tmp_path):
    before = versions_by_case(rows)
    assert before[10][1] == ""  # it has no label
    (root / "segmentation-2.nii").write_bytes(b"another label")
    after = versions_by_case(describe_volumes(root, "lits", "v2.dir", Hashes(tmp_path)))
    assert after[10] == before[10]
    assert after[2][0] == before[2][0]
    assert after[2][1] != before[2][1]


def test_untouched_volumes_pass_without_being_read(root, rows, monkeypatch):
    monkeypatch.setattr(hashing.hashlib, "file_digest", None)
    unedited(root, rows)
    (root / "notes.txt").write_text("other notes")
    unedited(root, rows)


def test_a_changed_volume_stops_with_its_name_and_both_ways_out(root, rows):
    (root / "volume-2.nii").write_bytes(b"VOLUME-2.nii")
    text = message(root, rows)
    assert "  changed: volume-2.nii\n" in text
    assert "segmentation-2" not in text
    assert f"dvc add {root}\n" in text
    assert f"dvc checkout --force {root}.dvc" in text
    assert "cache" not in text


def test_missing_and_added_volumes_stop_too(root, rows):
    (root / "segmentation-2.nii").unlink()
    (root / "volume-11.nii").write_bytes(b"new")
    text = message(root, rows)
    assert "  missing: segmentation-2.nii\n  added: volume-11.nii\n" in text
    assert "changed" not in text.split("If this")[0]


def test_a_folder_that_is_gone_is_told_in_few_lines(root, rows):
    many = [row for row in rows for _ in range(10)]
    for path in list(root.iterdir()):
        path.unlink()
    root.rmdir()
    text = message(root, many)
    assert text.count("missing: ") == 11
    assert "  missing: and 30 more\n" in text


def test_another_date_alone_is_no_edit_and_is_read_once(root, rows, monkeypatch):
    for row in rows:
        os.utime(root / row.file, ns=(1, 1))
    unedited(root, rows)
    monkeypatch.setattr(hashing.hashlib, "file_digest", None)
    unedited(root, rows)


def test_a_volume_written_in_place_may_have_spoilt_dvcs_copy(root, rows):
    copy = root.parent / "copy"
    copy.hardlink_to(root / "volume-2.nii")
    (root / "volume-2.nii").write_bytes(b"written in place")
    text = message(root, rows)
    assert f"find $(dvc cache dir) -samefile {root}/volume-2.nii -delete" in text
    assert f"dvc pull {root}.dvc" in text


def test_lits_is_compared_in_an_instant(tmp_path):
    """Each time the workflow is read: 262 files, none of them opened."""
    root = tmp_path / "data/lits"
    root.mkdir(parents=True)
    for case in range(131):
        for role in ("volume", "segmentation"):
            (root / f"{role}-{case}.nii").write_text(f"{role} {case}")
    write_volumes(tmp_path / "data.csv", describe_volumes(root, "lits", "v1.dir", Hashes(tmp_path)))
    start = time.process_time()
    unedited(root, read_volumes(tmp_path / "data.csv"))
    assert time.process_time() - start < 0.5  # it takes about 0.02 s
