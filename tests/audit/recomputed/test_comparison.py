"""``comparison.csv`` made again: the audit's code and the workflow's agree, and edits are found."""

import numpy as np
import pandas as pd
import pytest

from upwind.audit.recomputed.comparison import check_comparison
from upwind.audit.recomputed.numbers import Results
from upwind.tables.comparison import compare

CONFIG = {"seed": 3, "comparison": {"resamples": 50, "confidence": 0.9}}


MEASURES = ["dsc", "hd95_mm", "hd95_max_mm", "assd_mm", "nsd_3mm", "nsd_5mm"]


def scores(patients=7, folds=1, seeds=(0,), label=9):
    """Unseen patients, and held-out slices with several rows a patient; some are undefined, one
    mask is empty. A method without networks has one seed."""
    rng = np.random.default_rng(0)
    rows = [
        (method, fold, case, subset, seed, *rng.random(6))
        for method in ("unet", "lsn", "itk_snap")
        for subset in ("unseen", "heldout")
        for fold in range(folds + (subset == "heldout"))
        for case in rng.permutation(patients)
        if subset == "heldout" or case % folds == fold
        for seed in (seeds if method != "itk_snap" else seeds[:1])
    ]
    table = pd.DataFrame(rows, columns=["method", "fold", "case", "subset", "seed", *MEASURES])
    table = table.assign(mask_voxels=9, label_voxels=label, diagonal_mm=2.5)
    table.loc[table["subset"] == "heldout", MEASURES[1:]] = np.nan
    table.loc[2, "hd95_mm"] = np.nan
    table.loc[3, ["mask_voxels", *MEASURES[1:4]]] = [0, np.nan, np.nan, np.nan]
    return table if len(seeds) > 1 else table.drop(columns="seed")


def compared(folder, table):
    table.to_csv(folder / "scores.csv", index=False)
    made = compare(pd.read_csv(folder / "scores.csv"), resamples=50, confidence=0.9, seed=3)
    made.to_csv(folder / "comparison.csv", index=False)
    return Results(folder, "results/x", CONFIG)


@pytest.fixture
def results(tmp_path):
    return compared(tmp_path, scores(folds=11, patients=33))


def test_the_workflows_table_comes_out_the_same(results):
    checked = check_comparison(results)
    assert checked.findings == ()
    # 3 methods with 9 values and 3 pairs with 13, for each of 7 measures, and 3 of them filled.
    assert checked.counts == {"comparisons": 10 * (3 * 9 + 3 * 13)}


@pytest.mark.parametrize("folds", [1, 3, 12, 14])
@pytest.mark.parametrize("patients", [12, 36])
@pytest.mark.parametrize("seeds", [(0,), (0, 4, 2)])
def test_for_any_number_of_patients_folds_and_seeds(tmp_path, folds, patients, seeds):
    results = compared(tmp_path, scores(patients, folds, seeds))
    assert check_comparison(results).findings == ()


def test_with_a_single_patient(tmp_path):
    results = compared(tmp_path, scores(1).assign(mask_voxels=9))
    assert check_comparison(results).findings == ()


def test_without_folds(tmp_path):
    table = scores(4).query("subset == 'unseen'")
    results = compared(tmp_path, table.assign(fold=np.nan))
    assert check_comparison(results).findings == ()


@pytest.mark.parametrize(
    "column",
    [
        "patients",
        "empty",
        "mean",
        "low",
        "high",
        "over",
        "seeds",
        "test",
        "p",
        "holm_p",
        "other",
        "measure",
    ],
)
def test_every_column(results, column):
    path = results.folder / "comparison.csv"
    table = pd.read_csv(path)
    row = table.index[table["other"].notna()][0]
    value = table.loc[row, column]
    table.loc[row, column] = value + "x" if isinstance(value, str) else value + 1
    table.to_csv(path, index=False)
    findings = check_comparison(results).findings
    assert {finding.path for finding in findings} == {"results/x/comparison.csv"}


def test_another_seed_gives_other_intervals(results):
    other = Results(results.folder, results.home, CONFIG | {"seed": 4})
    messages = " ".join(finding.message for finding in check_comparison(other).findings)
    assert ": low is" in messages
    assert ": mean is" not in messages
