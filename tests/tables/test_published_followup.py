from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from upwind.data.folds import assign_folds
from upwind.tables.published_followup import published_followup

COLUMNS = ["dsc", "dsc_largest_component"]


def test_figures_are_those_of_the_reference_file():
    name = "shared/reference/followup_per_case_published.csv"
    file = Path(__file__).resolve().parents[2].parent / name
    if not file.exists():
        pytest.skip("the reference file is not on this machine")
    reference = pd.read_csv(file).query("architecture == 'unet'").sort_values("case")
    reference = reference[["case", "fold", "dsc_threshold", "dsc_lcc"]]
    expected = reference.set_axis(["case", "fold", *COLUMNS], axis=1).reset_index(drop=True)
    pd.testing.assert_frame_equal(published_followup(), expected, rtol=0, atol=1e-12)


def test_folds_are_the_papers():
    expected = assign_folds(range(131), 5)
    pd.testing.assert_frame_equal(published_followup()[["case", "fold"]], expected)


def test_means_are_those_that_are_published():
    """github.com/jonasactor/smallnet."""
    means = published_followup().groupby("fold")[COLUMNS].mean()
    np.testing.assert_allclose(means["dsc"], [0.906, 0.902, 0.871, 0.867, 0.880], atol=5e-4)
    largest = [0.932, 0.909, 0.934, 0.917, 0.934]
    np.testing.assert_allclose(means["dsc_largest_component"], largest, atol=5e-4)
    table = published_followup()
    assert table[COLUMNS].mean().round(3).tolist() == [0.885, 0.925]
    assert (table["dsc_largest_component"] > table["dsc"]).sum() == 127
