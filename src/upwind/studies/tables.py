"""A study's tables: every patient of every run, and each variant against the first."""

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
    """The ``scores`` of a run (variant, patients, fold, seed), patient by patient, with what its
    ``curves`` say: held-out DSC after the last epoch, whether it failed to train, and seconds."""
    judged = verdict(curves, failed_below)
    return scores.assign(
        **{name: run[name] for name in RUN},
        heldout_dsc=judged["heldout_dsc"],
        failed=judged["failed"],
        seconds=float(curves["seconds"].iloc[-1]),
    )[[*RUN, "case", "dsc", "dsc_liver_slices", "heldout_dsc", "failed", "seconds"]]


def summarise(
    rows: pd.DataFrame, variants: Iterable[str], resamples: int, confidence: float, seed: int
) -> pd.DataFrame:
    """One row per variant and number of training patients.

    ``runs`` and ``failed`` count trainings; ``dsc`` is the mean over unseen patients, each with its
    mean over seeds, ``low`` and ``high`` its interval over folds and their patients
    (:func:`upwind.common.intervals.mean_interval`); ``seed_sd`` the standard deviation over seeds
    of a seed's mean (empty for one seed). ``gain`` is the mean of the differences, patient by
    patient, to the first variant with as many training patients, and ``gain_low`` and ``gain_high``
    its interval: where it spans 0, the difference may be chance.
    """
    names, settings = list(variants), Resampling(resamples, confidence, seed)
    result = []
    for patients, part in rows.groupby("patients", sort=False):
        by_case = part.pivot_table(index=["fold", "case"], columns="variant", values="dsc")
        for name in names:
            runs = part[part["variant"] == name]
            found = over_patients(by_case[name].dropna(), settings)
            row = {"variant": name, "patients": patients, **_counts(runs)}
            row |= {"dsc": found.mean, "low": found.low, "high": found.high}
            row["seed_sd"] = runs.groupby("seed")["dsc"].mean().std(ddof=1)
            if name != names[0]:
                gain = (by_case[name] - by_case[names[0]]).dropna()
                found = over_patients(gain, settings)
                row |= {"gain": found.mean, "gain_low": found.low, "gain_high": found.high}
            result.append(row)
    columns = ["variant", "patients", "runs", "failed", "cases", "dsc", "low", "high", "seed_sd"]
    return pd.DataFrame(result).reindex(columns=[*columns, "gain", "gain_low", "gain_high"])


def _counts(runs: pd.DataFrame) -> dict[str, int]:
    trained = runs.drop_duplicates(RUN)
    return {
        "runs": len(trained),
        "failed": int(trained["failed"].sum()),
        "cases": runs["case"].nunique(),
    }
