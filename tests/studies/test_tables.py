"""A study's tables, against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from upwind.common.intervals import Resampling
from upwind.studies.tables import references, run_rows, summarise

SETTINGS = Resampling(resamples=1000, confidence=0.95, seed=0)


def rows(**scores):
    """Rows of runs; ``variant_fold_seed=[dsc of case 0, of case 1]``."""
    parts = []
    for name, values in scores.items():
        variant, fold, seed = name.split("_")
        first = int(fold) * len(values)
        parts += [
            {"variant": variant, "patients": "all", "fold": fold, "seed": int(seed)}
            | {"case": first + place, "dsc": value, "failed": value < 0.1, "weights": "last"}
            for place, value in enumerate(values)
        ]
    return pd.DataFrame(parts)


def summary(table, variants=("a", "b"), against=None):
    return summarise(table, variants, against or {}, SETTINGS).set_index("variant")


def test_means_are_over_patients_each_with_its_mean_over_seeds():
    table = summary(rows(a_0_0=[0.8, 0.6], a_0_1=[0.6, 0.6], b_0_0=[0.9, 0.7]))
    assert table.loc["a", "dsc"] == pytest.approx((0.7 + 0.6) / 2)
    assert table.loc["a", "seed_sd"] == pytest.approx(np.std([0.7, 0.6], ddof=1))
    assert np.isnan(table.loc["b", "seed_sd"])
    assert (table.loc["a", "runs"], table.loc["a", "cases"]) == (2, 2)


def test_the_gain_is_paired_by_patient():
    table = summary(rows(a_0_0=[0.2, 0.8], a_1_0=[0.5, 0.9], b_0_0=[0.3, 0.9], b_1_0=[0.6, 1.0]))
    # Always 0.1 more, though patients differ far more than that.
    assert table.loc["b", ["gain", "gain_low", "gain_high"]].tolist() == pytest.approx([0.1] * 3)
    assert table.loc["b", "high"] - table.loc["b", "low"] > 0.3
    assert np.isnan(table.loc["a", "gain"])
    assert table["against"].fillna("").to_dict() == {"a": "", "b": "a"}


def test_a_variant_is_compared_with_the_one_that_the_study_names():
    table = summary(
        rows(
            a_0_0=[0.5, 0.6], a_1_0=[0.7, 0.6],
            b_0_0=[0.4, 0.8], b_1_0=[0.5, 0.4],
            c_0_0=[0.5, 0.7], c_1_0=[0.6, 0.8],
        ),
        variants=("a", "b", "c"),
        against={"c": "b"},
    )  # fmt: skip
    assert table["against"].fillna("").to_dict() == {"a": "", "b": "a", "c": "b"}
    assert table.loc["b", "gain"] == pytest.approx((-0.1 + 0.2 - 0.2 - 0.2) / 4)
    assert table.loc["c", "gain"] == pytest.approx((0.1 - 0.1 + 0.1 + 0.4) / 4)
    assert table["cases_above"].fillna(-1).to_dict() == {"a": -1, "b": 1, "c": 3}
    # Student's t with one degree of freedom, of the means of two folds: 0 and 0.25.
    half = stats.t.ppf(0.975, 1) * 0.125
    interval = table.loc["c", ["gain_low", "gain_high"]].tolist()
    assert interval == pytest.approx([0.125 - half, 0.125 + half])


def test_what_is_not_named_is_compared_with_the_first():
    assert references(["a", "b", "c"], {}) == {"b": "a", "c": "a"}
    assert references(["a", "b", "c"], {"c": "b", "a": "c"}) == {"a": "c", "b": "a", "c": "b"}


def test_every_column_is_explained():
    told = (Path(__file__).resolve().parents[2] / "results/README.md").read_text()
    section = told.partition("\n## studies\n")[2]
    names = set(summarise(rows(a_0_0=[0.5]), ["a"], {}, SETTINGS)) - {"variant"}
    assert not [name for name in names if f"`{name}`" not in section]


def test_failed_trainings_are_counted_as_runs_not_as_patients():
    table = summary(rows(a_0_0=[0.05, 0.05], a_1_0=[0.8, 0.9], b_0_0=[0.8, 0.8]))
    assert (table.loc["a", "failed"], table.loc["b", "failed"]) == (1, 0)


def test_numbers_of_patients_are_compared_among_themselves():
    few = rows(a_0_0=[0.2, 0.2], b_0_0=[0.3, 0.3]).assign(patients="2")
    many = rows(a_0_0=[0.8, 0.8], b_0_0=[0.9, 0.9])
    table = summarise(pd.concat([few, many]), ["a", "b"], {}, SETTINGS)
    gains = table[table["variant"] == "b"].set_index("patients")["gain"]
    assert gains.to_dict() == pytest.approx({"2": 0.1, "all": 0.1})


def test_readings_of_the_weights_are_compared_among_themselves():
    last = rows(a_0_0=[0.2, 0.2], b_0_0=[0.3, 0.3])
    averaged = rows(a_0_0=[0.8, 0.8], b_0_0=[0.7, 0.9]).assign(weights="averaged")
    table = summarise(pd.concat([last, averaged]), ["a", "b"], {}, SETTINGS)
    assert table[["variant", "weights"]].to_numpy().tolist() == [
        ["a", "last"], ["a", "averaged"], ["b", "last"], ["b", "averaged"],
    ]  # fmt: skip
    assert table["runs"].tolist() == [1, 1, 1, 1]
    assert table["gain"].tolist()[1:] == pytest.approx([np.nan, 0.1, 0.0], nan_ok=True)


def test_a_run_says_what_its_curves_say():
    scores = pd.DataFrame({"case": [3, 4], "dsc": [0.7, 0.8], "dsc_liver_slices": [0.8, 0.9]})
    scores["weights"] = "averaged"
    curves = pd.DataFrame(
        {
            "epoch": [1, 2],
            "train_loss": [0.5, 0.4],
            "heldout_loss": [0.5, 0.4],
            "heldout_dsc": [0.3, 0.45],
            "seconds": [1.0, 2.5],
        }
    )
    run = {"variant": "a", "fold": "0", "seed": 1, "patients": "all"}
    table = run_rows(run, scores, curves, failed_below=0.5)
    assert table["failed"].all()
    assert table["seconds"].eq(2.5).all()
    assert table["weights"].eq("averaged").all()
    assert table[["variant", "fold", "seed"]].drop_duplicates().values.tolist() == [["a", "0", 1]]
    assert not run_rows(run, scores, curves, failed_below=0.4)["failed"].any()
