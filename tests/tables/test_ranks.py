import numpy as np
import pandas as pd
import pytest

from upwind.common.intervals import Resampling
from upwind.tables.ranks import rank

SETTINGS = Resampling(4000, 0.95, 0)


def scores_of(measure="dsc", **values):
    """One value per case of each method."""
    rows = [
        {"method": method, "fold": None, "case": case, "subset": "unseen", measure: value}
        | {"mask_voxels": 5, "label_voxels": 5, "diagonal_mm": 100.0}
        for method, series in values.items()
        for case, value in enumerate(series)
    ]
    return pd.DataFrame(rows)


def ranked(measure="dsc", **values):
    return rank(scores_of(measure, **values), SETTINGS).set_index("method")


def test_the_best_comes_first():
    table = ranked(low=[0.5, 0.6], high=[0.8, 0.9], middle=[0.6, 0.7])
    assert table["rank"].to_dict() == {"high": 1, "middle": 2, "low": 3}
    assert table["mean"].tolist() == pytest.approx([0.85, 0.65, 0.55])
    assert table.loc["high", ["rank_1", "rank_2", "rank_3"]].tolist() == [1, 0, 0]
    assert (table["low_rank"] == table["rank"]).all()


def test_the_least_distance_comes_first():
    assert ranked("hd95_mm", far=[9.0, 8.0], near=[1.0, 2.0])["rank"].to_dict() == {
        "near": 1, "far": 2,
    }  # fmt: skip


def test_shares_are_those_of_all_resamples_by_hand():
    """Two patients, one won by each: of the draws (0, 0), (0, 1), (1, 0), (1, 1) `a` is ahead where
    patient 0 is there, since it is ahead by more there."""
    table = ranked(a=[0.9, 0.5], b=[0.5, 0.6])
    assert table.loc["a", "rank"] == 1
    assert table.loc["a", "rank_1"] == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 4000))
    assert table.loc["a", "rank_1"] + table.loc["a", "rank_2"] == pytest.approx(1)
    assert (table["low_rank"].tolist(), table["high_rank"].tolist()) == ([1, 1], [2, 2])


def test_methods_that_are_equal_share_the_better_rank():
    table = ranked(a=[0.5, 0.7], b=[0.7, 0.5], c=[0.1, 0.1])
    assert table["rank"].to_dict() == {"a": 1, "b": 1, "c": 3}
    assert ranked(a=[0.3] * 3, b=[0.3] * 3)["rank_1"].tolist() == [1, 1]


def test_an_empty_mask_is_as_far_as_the_volumes_diagonal():
    scores = scores_of("hd95_mm", near=[1.0, 1.0, np.nan], far=[9.0, 9.0, 9.0])
    scores.loc[2, "mask_voxels"] = 0
    table = rank(scores, SETTINGS).set_index("method")
    assert table["rank"].to_dict() == {"far": 1, "near": 2}
    assert table.loc["near", "mean"] == 34


def test_patients_are_those_of_whom_every_method_has_a_score():
    table = ranked(a=[0.5, 0.5, 0.9], b=[0.6, 0.6, np.nan])
    assert table["patients"].tolist() == [2, 2]
    assert table["rank"].to_dict() == {"b": 1, "a": 2}


def test_one_method_has_no_rank():
    table = rank(scores_of(a=[0.5, 0.6]), SETTINGS)
    assert len(table) == 0
    assert "rank_1" in table


def test_draws_are_those_of_the_seed():
    values = {name: np.random.default_rng(n).random(8) for n, name in enumerate("abc")}
    pd.testing.assert_frame_equal(ranked(**values), ranked(**values))
