"""A data set with bad cases: the run stops with every problem, or goes on without them."""

import os
import re
import sys
import time

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from upwind.audit.recomputed.gathered import check_gathered
from upwind.audit.recomputed.numbers import Results
from upwind.settings.check import check_config

GOOD = (0, 3, 7)


def write_case(folder, case, change=lambda ct, label: (ct, label), affine=None):
    """A small case of noise with a block of liver; ``change`` spoils it."""
    rng = np.random.default_rng(case)
    ct = rng.integers(-100, 200, (24, 24, 6)).astype(np.float32)
    label = np.zeros((24, 24, 6), np.uint8)
    label[4:16, 6:18, 1:5] = 1
    ct, label = change(ct, label)
    affine = np.diag([3.0, 3.0, 5.0, 1.0])
    nib.save(nib.Nifti1Image(ct, affine), folder / f"volume-{case}.nii.gz")
    nib.save(nib.Nifti1Image(label, affine), folder / f"segmentation-{case}.nii.gz")


def with_nan_and_a_wrong_label(ct, label):
    ct[0, 0, 0] = np.nan
    label[0, 0, 0] = 9
    return ct, label


@pytest.fixture
def bad_data(workplace):
    """Three good cases and three bad ones."""
    folder = workplace.folder / "raw"
    folder.mkdir()
    for case in GOOD:
        write_case(folder, case)
    write_case(folder, 1, with_nan_and_a_wrong_label)
    write_case(folder, 2, lambda ct, label: (ct, label[:-1]))
    write_case(folder, 5)
    (folder / "segmentation-5.nii.gz").unlink()
    return workplace


def run(workplace, on_bad_case, *arguments):
    settings = {
        "experiment": "bad",
        "folds": 3,
        "image_size": 16,
        "dataset": {"kind": "lits", "root": "raw", "on_bad_case": on_bad_case},
    }
    return workplace.snakemake(*arguments, configfiles=[workplace.configure(settings)])


def test_stop_prints_the_table_with_every_problem_and_fails(bad_data):
    result = run(bad_data, "stop", "results/bad/folds.csv")
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    assert "3 of 6 cases cannot be used" in result.stdout
    assert "6 cases: 3 usable, 3 bad" in result.stdout
    for words in ("NaN", "9", "segmentation-5", "23"):
        assert words in result.stdout
    for case in (1, 2, 5):
        assert f"Case {case}\n" in result.stdout
    assert "set dataset.on_bad_case to skip" in " ".join(result.stdout.split())
    assert not (bad_data.folder / "results/bad/folds.csv").exists()
    assert not list((bad_data.folder / "results/bad").glob("slices/*"))


def test_skip_leaves_the_bad_cases_out_and_names_them(bad_data):
    planned = run(bad_data, "skip", "--dry-run")
    assert planned.returncode == 0, planned.stdout
    result = run(bad_data, "skip", "results/bad/folds.csv", "results/bad/split.csv")
    assert result.returncode == 0, result.stdout
    results = bad_data.folder / "results/bad"
    folds = pd.read_csv(results / "folds.csv")
    assert folds["case"].tolist() == list(GOOD)
    assert folds["fold"].tolist() == [0, 1, 2]
    assert sorted(p.name for p in (results / "slices").iterdir()) == [
        f"case-{case}.safetensors" for case in GOOD
    ]
    cases = pd.read_csv(results / "cases.csv").set_index("case")
    assert cases.index[~cases["usable"]].tolist() == [1, 2, 5]
    assert "NaN" in cases.loc[1, "errors"]
    assert "segmentation-5" in cases.loc[5, "errors"]
    assert cases.loc[list(GOOD), "errors"].isna().all()
    assert "Case 5" in (results / "logs/collect_cases.log").read_text()
    planned = run(bad_data, "skip", "--dry-run")
    assert planned.returncode == 0, planned.stdout
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", planned.stdout, re.MULTILINE))
    assert jobs["operate_level_set"] == "3"
    assert jobs["train"] == "7"  # two networks on three folds, and the UNet on all cases
    assert "check_case" not in jobs


@pytest.fixture
def raw(workplace):
    """Three good cases."""
    folder = workplace.folder / "raw"
    folder.mkdir()
    for case in GOOD:
        write_case(folder, case)
    return folder


def test_files_that_are_not_taken_and_dates_in_the_future_are_told_before_planning(workplace, raw):
    (raw / "volume-9 (1).nii.gz").write_bytes(b"")
    planned = run(workplace, "stop", "--dry-run", "results/bad/cases.csv")
    assert planned.returncode == 0, planned.stdout
    told = "raw: not looked at, since they are not named like a case: volume-9 (1)"
    assert told in planned.stdout
    late = raw / "volume-3.nii.gz"
    os.utime(late, (time.time() + 86400,) * 2)
    refused = run(workplace, "stop", "--dry-run", "results/bad/cases.csv")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stdout
    assert "raw/volume-3.nii.gz. Set their dates with `touch`" in refused.stdout


def thin(ct, label):
    """Liver in one slice of 5 mm."""
    label[:, :, 2:] = 0
    return ct, label


def test_a_liver_that_the_level_set_may_not_see_is_left_out_in_any_surroundings(
    workplace, raw, monkeypatch
):
    """Another locale, umask and TMPDIR than this machine's."""
    write_case(raw, 4, thin)
    scratch = workplace.folder / "zwischen ablage ü"
    scratch.mkdir()
    for name in ("TMPDIR", "TMP", "TEMP"):
        monkeypatch.setenv(name, str(scratch))
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    before = os.umask(0o077)
    try:
        settings = {
            "experiment": "bad",
            "folds": 3,
            "image_size": 16,
            "levelset": {"spacing_mm": 6.0},
            "dataset": {"kind": "lits", "root": "raw", "on_bad_case": "skip"},
        }
        file = workplace.configure(settings)
        # A process of its own, which has what it inherits.
        target, python = "results/bad/folds.csv", sys.executable
        result = workplace.snakemake(target, configfiles=[file], python=python)
    finally:
        os.umask(before)
    assert result.returncode == 0, result.stdout
    results = workplace.folder / "results/bad"
    assert pd.read_csv(results / "folds.csv")["case"].tolist() == list(GOOD)
    cases = pd.read_csv(results / "cases.csv").set_index("case")
    assert "its liver is 5 mm thick, too thin" in cases.loc[4, "errors"]
    assert cases.index[~cases["usable"]].tolist() == [4]
    assert (results / "cases.csv").stat().st_mode & 0o777 == 0o600
    # Its audit knows the reason.
    checked = check_gathered(Results(results, "results/bad", check_config(settings)))
    assert checked.counts["case_reports"] == len(GOOD) + 1
    assert checked.holds
