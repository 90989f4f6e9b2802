"""Trainings to a plateau: DSC of unseen patients on the way, by last and by averaged weights."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from upwind.common.frames import groups
from upwind.common.intervals import Resampling
from upwind.studies.intervals import over_networks
from upwind.studies.plan import PlateauRun

# Of the seconds of the epochs of a variant's runs: what else a machine does can only slow an epoch
# down, so that a low quantile is nearest to what a training takes by itself.
_UNDISTURBED = 0.1


def plateau_rows(
    run: PlateauRun, scores: pd.DataFrame, curves: pd.DataFrame, updates_an_epoch: int
) -> pd.DataFrame:
    """The ``scores`` of a run, patient by patient, with the ``updates`` and the ``seconds`` (of its
    ``curves``) until then."""
    seconds = curves.set_index("epoch")["seconds"]
    about = scores.assign(
        variant=run.variant,
        fold=run.fold,
        seed=run.seed,
        updates=scores["epoch"] * updates_an_epoch,
        seconds=scores["epoch"].map(seconds),
    )
    order = ["variant", "fold", "seed", "weights", "epoch", "updates", "seconds", "parameters"]
    return about[[*order, "case", "dsc", "dsc_liver_slices"]]


def plateau_summary(
    rows: pd.DataFrame, seconds_an_epoch: Mapping[str, float], settings: Resampling, within: float
) -> pd.DataFrame:
    """One row per variant, reading of the weights and evaluated epoch.

    ``updates`` and ``seconds`` until then, the former as a mean over runs, the latter from
    ``seconds_an_epoch`` (:func:`undisturbed_seconds`); ``dsc``, the mean over unseen patients, each
    with its mean over seeds, with its interval over folds and their patients, or, of one fold, over
    seeds (:func:`upwind.studies.intervals.over_networks`); ``seed_sd``, the standard deviation over
    seeds of a seed's mean; ``lowest`` and ``highest`` mean DSC of a run; ``plateau``: is it
    ``within`` so much of the mean after the last epoch from here on?
    """
    result: list[dict[str, Any]] = []
    for variant, curves in groups(rows, "variant", sort=False):
        for weights, part in groups(curves, "weights", sort=False):
            points = [_point(at, settings) for _, at in groups(part, "epoch")]
            reached = on_the_plateau([point["dsc"] for point in points], within)
            for point, plateau in zip(points, reached, strict=True):
                seconds = point["epoch"] * seconds_an_epoch[variant]
                about = {"variant": variant, "weights": weights, "seconds": seconds}
                result.append(about | point | {"plateau": plateau})
    columns = ["variant", "parameters", "weights", "runs", "cases", "epoch", "updates", "seconds"]
    columns += ["dsc", "low", "high", "seed_sd", "lowest", "highest", "plateau"]
    return pd.DataFrame(result)[columns]


def on_the_plateau(means: Sequence[float], within: float) -> list[bool]:
    """For each point of a curve: does it stay ``within`` so much of its last from there on?"""
    near = np.abs(np.asarray(means) - means[-1]) <= within
    return [bool(near[place:].all()) for place in range(len(near))]


def undisturbed_seconds(curves: Iterable[pd.DataFrame]) -> float:
    """Seconds of an epoch of runs that are alike but for what else their machine did meanwhile."""
    epochs = [np.diff(table["seconds"], prepend=0.0) for table in curves]
    return float(np.quantile(np.concatenate(epochs), _UNDISTURBED))


def _point(at: pd.DataFrame, settings: Resampling) -> dict[str, Any]:
    by_case = at.pivot_table(index=["fold", "case"], columns="seed", values="dsc")
    runs = at.groupby(["fold", "seed"])["dsc"].mean()
    found = over_networks(by_case, settings)
    return {
        "parameters": int(at["parameters"].iloc[0]),
        "runs": len(runs),
        "cases": at["case"].nunique(),
        "epoch": int(at["epoch"].iloc[0]),
        "updates": round(at["updates"].mean()),
        "dsc": found.mean,
        "low": found.low,
        "high": found.high,
        "seed_sd": at.groupby("seed")["dsc"].mean().std(ddof=1),
        "lowest": runs.min(),
        "highest": runs.max(),
    }
