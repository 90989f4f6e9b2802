"""A study's tables: every patient of every run, and each variant against the first."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from upwind.common.intervals import Resampling
from upwind.tables.comparison import over_patients
from upwind.training.verdict import verdict

RUN = ["variant", "patients", "fold", "seed"]


def run_rows(
    run: Mapping[str, Any], scores: pd.DataFrame, curves: pd.DataFrame, failed_below: float
) -> pd.DataFrame:
    """The ``scores`` of a run (variant, patients, fold, seed), patient by patient and by either
    reading of its ``weights``, with what its ``curves`` say of the last ones: held-out DSC after
    the last epoch, whether it failed to train, and seconds."""
    judged = verdict(curves, failed_below)
    return scores.assign(
        **{name: run[name] for name in RUN},
        heldout_dsc=judged["heldout_dsc"],
        failed=judged["failed"],
        seconds=float(curves["seconds"].iloc[-1]),
    )[[*RUN, "weights", "case", "dsc", "dsc_liver_slices", "heldout_dsc", "failed", "seconds"]]


def summarise(
    rows: pd.DataFrame, variants: Iterable[str], resamples: int, confidence: float, seed: int
) -> pd.DataFrame:
    """One row per variant, number of training patients, and reading of the weights.

    ``runs`` and ``failed`` count trainings; ``dsc`` is the mean over unseen patients, each with its
    mean over seeds, ``low`` and ``high`` its interval over folds and their patients
    (:func:`upwind.common.intervals.mean_interval`); ``seed_sd`` the standard deviation over seeds
    of a seed's mean (empty for one seed). ``gain`` is the mean of the differences, patient by
    patient, to the first variant with as many training patients, read alike, and ``gain_low`` and
    ``gain_high`` its interval: where it spans 0, the difference may be chance.
    """
    names, settings = list(variants), Resampling(resamples, confidence, seed)
    result = []
    for patients, part in rows.groupby("patients", sort=False):
        by_case = part.pivot_table(
            index=["fold", "case"], columns=["weights", "variant"], values="dsc"
        )
        for name, weights in itertools.product(names, part["weights"].unique()):
            runs = part[(part["variant"] == name) & (part["weights"] == weights)]
            dsc, first = by_case[weights, name], by_case[weights, names[0]]
            found = over_patients(dsc.dropna(), settings)
            row = {"variant": name, "patients": patients, "weights": weights, **_counts(runs)}
            row |= {"dsc": found.mean, "low": found.low, "high": found.high}
            row["seed_sd"] = runs.groupby("seed")["dsc"].mean().std(ddof=1)
            if name != names[0]:
                found = over_patients((dsc - first).dropna(), settings)
                row |= {"gain": found.mean, "gain_low": found.low, "gain_high": found.high}
            result.append(row)
    columns = ["variant", "patients", "weights", "runs", "failed", "cases"]
    columns += ["dsc", "low", "high", "seed_sd", "gain", "gain_low", "gain_high"]
    return pd.DataFrame(result).reindex(columns=columns)


def _counts(runs: pd.DataFrame) -> dict[str, int]:
    trained = runs.drop_duplicates(RUN)
    return {
        "runs": len(trained),
        "failed": int(trained["failed"].sum()),
        "cases": runs["case"].nunique(),
    }
