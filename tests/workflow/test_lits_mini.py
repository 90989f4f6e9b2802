"""Five real LiTS cases, one in each fold, through to Table I and Figure 2."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

CASES = (0, 1, 2, 4, 5)


@pytest.fixture(scope="module")
def results(shared_workplace, request):
    """Results of the run on the real cases."""
    root = request.path.parents[2].parent / "shared/lits_mini"
    if not root.is_dir():
        pytest.skip("the five LiTS cases are not on this machine")
    settings = {
        "experiment": "lits_mini",
        "image_size": 32,
        "folds": 5,
        "dataset": {"root": str(root)},
        "training": {"cpu_threads": 1},
        "unet": {"epochs": 1},
        "lsn": {"epochs": 1, "steps": 20},
        "levelset": {
            "trials": 1,
            "spacing_mm": 10.0,
            "blind": {"patients": 2, "trials": 1, "spacing_mm": 12.0, "max_iterations": 60},
        },
        "kernels": {"network": 0},
        "comparison": {"resamples": 200},
    }
    workplace = shared_workplace
    files = [workplace.folder / "config/lits.yaml", workplace.configure(settings)]
    folder = workplace.folder / "results/lits_mini"
    # What the phantom's run shows too, the other figures and the report, is left out for time.
    targets = [f"results/lits_mini/{name}" for name in ("table1.csv", "figure2.pdf")]
    result = workplace.snakemake(*targets, configfiles=files)
    assert result.returncode == 0, result.stdout[-5000:]
    return folder, root


def test_the_real_cases_run_through_to_table1_and_figure2(results):
    folder, _ = results
    table = pd.read_csv(folder / "table1.csv", dtype={"fold": str}).set_index("fold")
    assert table.index[:6].tolist() == ["0", "1", "2", "3", "4", "avg"]
    assert table.to_numpy().min() >= 0
    assert table.to_numpy().max() <= 1
    assert table.loc["avg", "itk_snap"] > 0.3
    assert len(pd.read_csv(folder / "kernels/kernels.csv")) == 14_608
    assert (folder / "figure2.pdf").read_bytes().startswith(b"%PDF")


def test_each_fold_leaves_one_case_unseen(results):
    folder, _ = results
    folds = pd.read_csv(folder / "folds.csv")
    assert list(folds.itertuples(index=False, name=None)) == list(zip(CASES, range(5), strict=True))
    scores = pd.read_csv(folder / "scores.csv")
    unseen = scores[(scores["subset"] == "unseen") & (scores["method"] == "unet")]
    assert unseen.sort_values("fold")["case"].tolist() == list(CASES)


@pytest.mark.parametrize("case", CASES)
def test_segmentations_lie_on_the_cases_own_grids(results, case):
    folder, root = results
    ct = nib.load(root / f"volume-{case}.nii.gz")
    for method in ("itk_snap", f"unet/{CASES.index(case)}/unseen"):
        mask = nib.load(folder / f"segmentations/{method}/segmentation-{case}.nii.gz")
        assert mask.shape == ct.shape
        np.testing.assert_array_equal(mask.affine, ct.affine)


def test_checks_find_the_real_cases_usable(results):
    folder, _ = results
    cases = pd.read_csv(folder / "cases.csv")
    assert cases["usable"].all()
    assert cases["liver_ml"].between(700, 3500).all()
