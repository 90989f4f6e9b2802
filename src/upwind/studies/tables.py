"""A study's tables: every patient of every run, and each variant against another."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from upwind.common.intervals import Resampling
from upwind.studies.intervals import dsc_over_networks, over_networks
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


def references(variants: Sequence[str], against: Mapping[str, str]) -> dict[str, str]:
    """What each variant is compared with: what ``against`` says, and the first of them if it says
    nothing; nothing is compared with itself."""
    others = dict.fromkeys(variants[1:], variants[0]) | dict(against)
    return {name: others[name] for name in variants if name in others}


def summarise(
    rows: pd.DataFrame, variants: Sequence[str], against: Mapping[str, str], settings: Resampling
) -> pd.DataFrame:
    """One row per variant, number of training patients, and reading of the weights.

    ``runs`` and ``failed`` count trainings; ``dsc`` is the mean over unseen patients, each with its
    mean over seeds, ``low`` and ``high`` its interval over folds and their patients, or, of one
    fold, over seeds (:func:`upwind.studies.intervals.dsc_over_networks`); ``seed_sd`` the standard
    deviation over seeds of a seed's mean (empty for one seed). ``against`` is the variant that this
    one is compared with (:func:`references`), ``gain`` the mean of the differences to it, by
    patient and seed, with as many training patients, read alike, ``gain_low`` and
    ``gain_high`` its interval: where it spans 0, the difference may be chance. ``cases_above``
    counts the patients whose difference, as a mean over seeds, is positive.
    """
    others, result = references(variants, against), []
    for patients, part in rows.groupby("patients", sort=False):
        by_case = part.pivot_table(
            index=["fold", "case"], columns=["weights", "variant", "seed"], values="dsc"
        )
        for name, weights in itertools.product(variants, part["weights"].unique()):
            runs = part[(part["variant"] == name) & (part["weights"] == weights)]
            dsc = by_case[weights, name]
            row = {"variant": name, "patients": patients, "weights": weights, **_counts(runs)}
            row |= dsc_over_networks(_without_gaps(dsc), settings)
            row["seed_sd"] = runs.groupby("seed")["dsc"].mean().std(ddof=1)
            if other := others.get(name):
                row |= {"against": other, **_gain(dsc - by_case[weights, other], settings)}
            result.append(row)
    columns = ["variant", "patients", "weights", "runs", "failed", "cases"]
    columns += ["dsc", "low", "high", "seed_sd"]
    columns += ["against", "gain", "gain_low", "gain_high", "cases_above"]
    return pd.DataFrame(result).reindex(columns=columns).astype({"cases_above": "Int64"})


def _gain(differences: pd.DataFrame, settings: Resampling) -> dict[str, Any]:
    """Of differences with rows (fold, case) and columns (seed)."""
    values = _without_gaps(differences)
    found = over_networks(values, settings)
    row = {"gain": found.mean, "gain_low": found.low, "gain_high": found.high}
    return row | {"cases_above": int((values.mean(axis=1) > 0).sum())}


def _without_gaps(values: pd.DataFrame) -> pd.DataFrame:
    """Without patients and seeds of which nothing is defined."""
    return values.dropna(how="all").dropna(axis="columns", how="all")


def _counts(runs: pd.DataFrame) -> dict[str, int]:
    trained = runs.drop_duplicates(RUN)
    return {
        "runs": len(trained),
        "failed": int(trained["failed"].sum()),
        "cases": runs["case"].nunique(),
    }
