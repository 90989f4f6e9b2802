"""Methods that the configuration names: what is said before anything runs, and cases left out."""

import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest


def dry_run(workplace, **settings):
    mine = workplace.configure(settings)
    return workplace.snakemake("--dry-run", "--quiet", "rules", configfiles=[mine])


@pytest.fixture
def three_cases(workplace, write_headers):
    """A workplace with three cases of LiTS, no voxel of them, and the settings for them."""
    write_headers(workplace.folder / "raw", [42] * 3)
    return workplace, {"folds": 3, "dataset": {"kind": "lits", "root": "raw"}}


def test_all_missing_and_unusable_masks_are_named_before_anything_runs(three_cases):
    workplace, settings = three_cases
    (workplace.folder / "theirs").mkdir()
    half = nib.Nifti1Image(np.full((512, 512, 1), 0.5, np.float32), np.eye(4))
    nib.save(half, workplace.folder / "theirs/001.nii.gz")
    methods = {"theirs": {"masks": "theirs/{case:03d}.nii.gz"}}
    result = dry_run(workplace, methods=methods, **settings)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    for case, problem in enumerate(("there is no file", "no whole numbers", "there is no file")):
        assert f"theirs, case {case}: " in result.stdout
        assert problem in result.stdout.split(f"theirs, case {case}: ")[1].splitlines()[0]
    assert "job stats" not in result.stdout.lower()
    settings["dataset"] |= {"on_bad_case": "skip"}
    result = dry_run(workplace, methods=methods, **settings)
    assert result.returncode == 0, result.stdout
    assert "methods: theirs is without case 0 (there is no file" in result.stdout


def test_networks_that_cannot_be_trained_are_named_before_anything_runs(three_cases):
    workplace, settings = three_cases
    deep = {"network": "torch.nn:Conv3d", "epochs": 1, "options": {"in_channels": 1}}
    deep["options"] |= {"out_channels": 1, "kernel_size": 3}
    absent = {"network": "no_such_package:Net", "epochs": 1}
    (workplace.folder / "my_network.py").write_text(
        "from torch import nn\n\ndef flat():\n    return nn.Conv2d(1, 1, 3, padding=1)\n"
    )
    mine = {"network": "my_network:flat", "epochs": 1}
    result = dry_run(workplace, methods={"d": deep, "a": absent, "mine": mine}, **settings)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    assert "methods.d: torch.nn:Conv3d is a 3-D network" in result.stdout
    assert "methods.a: there is no package no_such_package here" in result.stdout
    assert "methods.mine" not in result.stdout
    assert dry_run(workplace, methods={"mine": mine}, **settings).returncode == 0


def test_a_case_without_a_mask_is_left_out_of_that_method_alone(workplace):
    dataset = {"patients": 4, "on_bad_case": "skip"}
    mine = workplace.configure(
        {
            "experiment": "few",
            "folds": 2,
            "dataset": dataset,
            "methods": {
                "theirs": {"masks": "theirs/{case}.nii.gz", "title": "Theirs"},
                "after": {"of": "theirs", "postprocess": "largest_component"},
            },
        }
    )
    made = workplace.snakemake("results/few/folds.csv", "--quiet", configfiles=[mine])
    assert made.returncode == 0, made.stdout
    (workplace.folder / "theirs").mkdir()
    for case in (0, 1, 3):
        label = nib.load(workplace.folder / f"data/phantom/segmentation-{case}.nii.gz")
        mask = (np.asarray(label.dataobj) > 0).astype(np.uint8)
        nib.save(nib.Nifti1Image(mask, label.affine), workplace.folder / f"theirs/{case}.nii.gz")
    targets = [f"results/few/scores/{method}.csv" for method in ("theirs", "after")]
    made = workplace.snakemake(*targets, "--quiet", configfiles=[mine])
    assert made.returncode == 0, made.stdout
    assert "theirs is without case 2 (there is no file theirs/2.nii.gz)" in made.stdout
    for target in targets:
        scores = pd.read_csv(workplace.folder / target)
        assert scores.loc[scores["subset"] == "unseen", "case"].tolist() == [0, 1, 3]
        assert (scores["dsc"] == 1).all()
    masks = pd.read_csv(workplace.folder / "results/few/masks.csv")
    assert masks["usable"].tolist() == [True, True, False, True]
    # A fold of which no case is left cannot be in a table.
    shutil.move(workplace.folder / "theirs/3.nii.gz", workplace.folder / "theirs/other.nii.gz")
    made = workplace.snakemake(targets[0], "--quiet", configfiles=[mine])
    assert made.returncode != 0
    assert "no case of fold 1 has a usable mask" in made.stdout
