import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from upwind.cli import app
from upwind.common.errors import UpwindError
from upwind.data.naming import CaseFiles
from upwind.versions import importing
from upwind.versions.cache import Cache
from upwind.versions.commands import CommandError
from upwind.versions.importing import numbering_remark, plan_import, run_import
from upwind.versions.pointers import read_pointer

ROOT = Path("data/lits")


def write_case(images, labels, number, prefixes=("volume-", "segmentation-"), liver=True):
    """A small case; without ``liver`` it cannot be used."""
    values = np.arange(6 * 6 * 4, dtype=np.int16).reshape(6, 6, 4) + number
    label = (values > 100).astype(np.uint8) if liver else np.zeros((6, 6, 4), np.uint8)
    for folder, prefix, content in zip((images, labels), prefixes, (values, label), strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(content, np.eye(4)), folder / f"{prefix}{number}.nii")


@pytest.fixture
def source(tmp_path):
    """LiTS as it is downloaded: in two batches."""
    folder = tmp_path / "downloaded"
    for number in (0, 1, 2):
        batch = folder / f"Training Batch {1 + number // 2}"
        write_case(batch, batch, number)
    (folder / "Training Batch 1/._volume-0.nii").write_bytes(b"AppleDouble")
    (folder / "readme.txt").write_text("LiTS")
    return folder


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def upwind(*arguments):
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def assert_nothing_imported():
    assert not ROOT.exists()
    assert not list(Path().glob("data/*"))


def test_lits_in_two_batches_becomes_one_versioned_folder(empty_project, source):
    before = contents(source)
    result = upwind("lits", source)
    assert result.exit_code == 0, result.output
    names = sorted(f"{role}-{n}.nii" for role in ("volume", "segmentation") for n in range(3))
    assert sorted(contents(ROOT)) == names
    for path in source.rglob("*-?.nii"):
        if not path.name.startswith("."):
            assert (ROOT / path.name).read_bytes() == path.read_bytes()
    version = read_pointer("data/lits.dvc").version
    assert f"data/lits: 3 cases, 0.0 MB, version {version[:8]}" in result.stdout
    assert sorted(Cache(Path()).manifest(version)) == names
    assert Cache(Path()).missing(version) == []
    assert empty_project.git("status", "--porcelain", "-uall") == "?? data/lits.dvc\n"
    # What is done to the originals later reaches neither the volumes nor DVC's copies.
    assert contents(source) == before
    for path in source.rglob("*.nii"):
        assert path.stat().st_nlink == 1
        assert os.access(path, os.W_OK)
        path.write_bytes(b"edited")
    assert (ROOT / "volume-0.nii").read_bytes() == before["Training Batch 1/volume-0.nii"]


def test_the_user_is_told_what_comes_next(empty_project, source):
    result = upwind("lits", source)
    assert "Checking 3/3" in result.stderr
    assert "Copying 6/6" in result.stderr
    assert "LiTS has 131 training cases, 0 to 130; here are 3; missing: 3-130" in result.stderr
    assert "3 cases: 3 usable, 0 bad" in result.stdout
    assert "git add data/lits.dvc && git commit" in result.stdout
    assert "dvc remote add --default NAME URL" in result.stdout
    assert "snakemake --cores 8 --configfile config/lits.yaml" in result.stdout.splitlines()[-1]
    # DVC's own advice would come on top of it.
    assert "To track the changes" not in result.output


def test_in_another_locale_umask_and_temporary_folder(empty_project, source, tmp_path, monkeypatch):
    scratch = tmp_path / "zwischen ablage ü"
    scratch.mkdir()
    for name in ("TMPDIR", "TMP", "TEMP"):
        monkeypatch.setenv(name, str(scratch))
    for name, value in (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
        monkeypatch.setenv(name, value)
    before = os.umask(0o077)
    try:
        result = upwind("lits", source)
    finally:
        os.umask(before)
    assert result.exit_code == 0, result.output
    assert Cache(Path()).missing(read_pointer("data/lits.dvc").version) == []
    assert "up to date" in empty_project.dvc("status", "data/lits.dvc")
    # DVC lets everybody read the volumes; nobody else comes to them.
    assert ROOT.stat().st_mode & 0o077 == 0
    assert list(scratch.iterdir()) == []


def test_a_bad_case_is_named_and_nothing_is_left(empty_project, source):
    batch = source / "Training Batch 2"
    write_case(batch, batch, 2, liver=False)
    write_case(batch, batch, 3)
    (batch / "segmentation-3.nii").unlink()
    result = upwind("lits", source)
    assert result.exit_code == 1
    assert "segmentation-2.nii has an empty liver" in result.stdout
    assert "volume-3.nii has no label" in result.stdout
    assert "nothing is imported: 2 of 4 cases cannot be used" in result.stderr
    assert_nothing_imported()
    result = upwind("lits", source, "--allow-bad")
    assert result.exit_code == 0, result.output
    assert len(contents(ROOT)) == 7


def test_decathlon_keeps_its_folders(empty_project, tmp_path):
    task = tmp_path / "Task03_Liver"
    for number in (5, 6):
        write_case(task / "imagesTr", task / "labelsTr", number, ("liver_", "liver_"))
    (task / "imagesTs").mkdir()
    (task / "imagesTs/liver_132.nii").write_bytes(b"no training case")
    result = upwind("msd", tmp_path)
    assert result.exit_code == 0, result.output
    expected = {f"{folder}/liver_{n}.nii" for folder in ("imagesTr", "labelsTr") for n in (5, 6)}
    assert set(contents(Path("data/msd"))) == expected
    assert "liver_132" not in result.output
    assert "dataset: {kind: msd, root: data/msd}" in result.stdout


def test_volumes_that_lie_there_already_are_put_under_dvc_in_place(empty_project, source):
    ROOT.mkdir(parents=True)
    for path in source.rglob("*-?.nii"):
        if not path.name.startswith("."):
            shutil.move(path, ROOT)
    before = contents(ROOT)
    result = upwind("lits", ROOT)
    assert result.exit_code == 0, result.output
    assert "to be put under DVC in place as data/lits" in result.stderr
    assert contents(ROOT) == before
    assert Cache(Path()).missing(read_pointer("data/lits.dvc").version) == []


def test_linked_volumes_take_no_space_and_are_then_shared(empty_project, source):
    original = source / "Training Batch 1/volume-0.nii"
    result = upwind("lits", source, "--link", "--root", "data/linked")
    assert result.exit_code == 0, result.output
    assert original.samefile("data/linked/volume-0.nii")
    assert original.stat().st_mode & 0o222 == 0
    assert "dataset: {kind: lits, root: data/linked}" in result.stdout


def test_a_source_that_is_not_there_or_has_no_case_is_said(empty_project, tmp_path):
    assert "does not exist" in upwind("lits", tmp_path / "none").stderr
    (tmp_path / "empty").mkdir()
    assert "No case found in" in upwind("lits", tmp_path / "empty").stderr
    assert_nothing_imported()


def test_a_volume_found_twice_is_named(empty_project, source):
    twice = source / "Training Batch 2/volume-0.nii"
    shutil.copy(source / "Training Batch 1/volume-0.nii", twice)
    result = upwind("lits", source, "--allow-bad")
    assert result.exit_code == 1
    assert f"case 0: {twice}" in result.stderr
    assert_nothing_imported()


def test_a_folder_that_is_taken_is_not_touched(empty_project, source):
    ROOT.mkdir(parents=True)
    (ROOT / "volume-9.nii").write_bytes(b"mine")
    with pytest.raises(UpwindError, match=r"upwind import lits data/lits"):
        plan_import(source, ROOT, "lits")
    Path("data/lits.dvc").write_text("outs: []")
    with pytest.raises(UpwindError, match="data/lits is versioned already"):
        plan_import(source, ROOT, "lits")
    assert contents(ROOT) == {"volume-9.nii": b"mine"}


@pytest.mark.parametrize(
    ("root", "message"),
    [
        ("data/deep/lits", r"git ignores data/deep/lits\.dvc"),
        ("../outside", "importing needs DVC"),
    ],
)
def test_a_root_that_cannot_be_versioned_is_refused(empty_project, source, root, message):
    with pytest.raises(UpwindError, match=message):
        plan_import(source, Path(root), "lits")


def test_a_link_to_a_folder_is_refused(empty_project, source):
    Path("data").mkdir()
    Path("data/lits").symlink_to(source)
    with pytest.raises(UpwindError, match="symbolic link"):
        plan_import(source, ROOT, "lits")


def test_sources_without_git_say_so(empty_project, source):
    shutil.rmtree(".git")
    result = upwind("lits", source)
    assert result.exit_code == 1
    assert "importing needs git" in result.stderr


def test_a_disk_that_is_too_small_is_told_beforehand(empty_project, source, monkeypatch):
    size = sum(p.stat().st_size for p in source.rglob("[vs]*.nii"))
    monkeypatch.setattr(importing.shutil, "disk_usage", lambda _: SimpleNamespace(free=size - 1))
    with pytest.raises(UpwindError, match=r"importing needs 0\.0 MB in .*project and 0\.0 MB are"):
        plan_import(source, ROOT, "lits")
    assert plan_import(source, ROOT, "lits", link=True).bytes == size
    monkeypatch.setattr(importing.shutil, "disk_usage", lambda _: SimpleNamespace(free=size))
    assert plan_import(source, ROOT, "lits").bytes == size


def test_a_disk_that_fills_up_leaves_nothing(empty_project, source, monkeypatch):
    planned = plan_import(source, ROOT, "lits")
    copy, done = importing._copy, []

    def full_after_three(path, target):
        if len(done) == 3:
            target.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        done.append(path)
        copy(path, target)

    monkeypatch.setattr(importing, "_copy", full_after_three)
    message = "nothing is imported: .*No space left on device; free some space"
    with pytest.raises(UpwindError, match=message):
        run_import(planned)
    assert_nothing_imported()


@pytest.mark.parametrize("failure", [CommandError("no lock"), KeyboardInterrupt()])
def test_what_dvc_does_not_take_is_removed_again(empty_project, source, monkeypatch, failure):
    def fail(*_, **__):
        raise failure

    planned = plan_import(source, ROOT, "lits")
    monkeypatch.setattr(importing, "run_dvc", fail)
    with pytest.raises((UpwindError, KeyboardInterrupt)) as raised:
        run_import(planned)
    assert str(raised.value) in ("", "nothing is imported: DVC could not add data/lits: no lock")
    assert_nothing_imported()


def test_volumes_in_place_stay_where_dvc_does_not_take_them(empty_project, source, monkeypatch):
    ROOT.mkdir(parents=True)
    batch = source / "Training Batch 1"
    for name in ("volume-1.nii", "segmentation-1.nii"):
        shutil.copy(batch / name, ROOT)
    before = contents(ROOT)
    planned = plan_import(ROOT, ROOT, "lits")

    def fail(*_, **__):
        raise CommandError("no lock")

    monkeypatch.setattr(importing, "run_dvc", fail)
    with pytest.raises(UpwindError, match="no lock"):
        run_import(planned)
    assert contents(ROOT) == before


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EOPNOTSUPP])
def test_copies_are_whole_where_the_file_system_cannot_clone(tmp_path, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    (tmp_path / "a").write_bytes(b"volume" * 1000)
    monkeypatch.setattr(importing.os, "copy_file_range", refuse)
    importing._copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"volume" * 1000


def test_a_copy_that_ends_early_is_made_whole(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"volume" * 1000)
    monkeypatch.setattr(importing.os, "copy_file_range", lambda *_: 0)
    importing._copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"volume" * 1000


@pytest.mark.parametrize(
    ("numbers", "remark"),
    [
        (range(131), None),
        (set(range(131)) - {3, 9, 10, 11}, "here are 127; missing: 3, 9-11"),
        (range(132), "here are 132; not of LiTS: 131"),
        ([0, 200], "here are 2; missing: 1-130; not of LiTS: 200"),
    ],
)
def test_numbers_that_are_not_lits_are_remarked(numbers, remark):
    cases = [CaseFiles(number, None, None) for number in sorted(numbers)]
    expected = remark and f"LiTS has 131 training cases, 0 to 130; {remark}"
    assert numbering_remark(cases) == expected
