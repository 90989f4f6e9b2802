"""A data set with bad cases: the run stops with every problem, or goes on without them."""

import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

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
