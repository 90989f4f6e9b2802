"""``comparison.csv`` made again: the audit's code and the workflow's agree, and edits are found."""

import numpy as np
import pandas as pd
import pytest

from upwind.audit.recomputed.comparison import check_comparison
from upwind.audit.recomputed.numbers import Results
from upwind.tables.comparison import compare

CONFIG = {"seed": 3, "comparison": {"resamples": 50, "confidence": 0.9}}


def scores(patients=7):
    """Unseen patients, and held-out slices with several rows a patient; some are undefined."""
    rng = np.random.default_rng(0)
    rows = [
        (method, fold, case, subset, *rng.random(3))
        for method in ("unet", "lsn", "itk_snap")
        for subset, folds in (("unseen", 1), ("heldout", 2))
        for fold in range(folds)
        for case in rng.permutation(patients)
    ]
    names = ["method", "fold", "case", "subset", "dsc", "hd95_mm", "assd_mm"]
    table = pd.DataFrame(rows, columns=names)
    table.loc[table["subset"] == "heldout", ["hd95_mm", "assd_mm"]] = np.nan
    table.loc[2, "hd95_mm"] = np.nan
    return table


@pytest.fixture
def results(tmp_path):
    scores().to_csv(tmp_path / "scores.csv", index=False)
    compared = compare(pd.read_csv(tmp_path / "scores.csv"), resamples=50, confidence=0.9, seed=3)
    compared.to_csv(tmp_path / "comparison.csv", index=False)
    return Results(tmp_path, "results/x", CONFIG)


def test_the_workflows_table_comes_out_the_same(results):
    checked = check_comparison(results)
    assert checked.findings == ()
    # 3 methods with 4 values and 3 pairs with 6, for each of 4 subsets and measures.
    assert checked.counts == {"comparisons": 4 * (3 * 4 + 3 * 6)}


def test_with_a_single_patient(tmp_path):
    scores(1).to_csv(tmp_path / "scores.csv", index=False)
    compared = compare(pd.read_csv(tmp_path / "scores.csv"), resamples=50, confidence=0.9, seed=3)
    compared.to_csv(tmp_path / "comparison.csv", index=False)
    assert check_comparison(Results(tmp_path, "results/x", CONFIG)).findings == ()


@pytest.mark.parametrize(
    "column", ["patients", "mean", "low", "high", "wilcoxon_p", "holm_p", "other", "measure"]
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
