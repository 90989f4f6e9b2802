"""Trainings to a plateau: DSC of unseen patients on the way, by last and by averaged weights."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from upwind.common.frames import groups
from upwind.common.intervals import Resampling
from upwind.studies.intervals import dsc_over_networks
from upwind.studies.plan import PlateauRun
from upwind.training.verdict import verdict

# Of the seconds of the epochs of a variant's runs: what else a machine does can only slow an epoch
# down, so that a low quantile is nearest to what a training takes by itself.
_UNDISTURBED = 0.1


def plateau_rows(
    run: PlateauRun,
    scores: pd.DataFrame,
    curves: pd.DataFrame,
    updates_an_epoch: int,
    failed_below: float,
) -> pd.DataFrame:
    """The ``scores`` of a run, patient by patient, with the ``updates`` and the ``seconds`` (of its
    ``curves``) until then, and whether it ``failed`` to train
    (:func:`upwind.training.verdict.verdict`). A run whose loss was no longer finite ended then, and
    stays as it ended: with updates that it did not make, and no further seconds."""
    seconds = curves.set_index("epoch")["seconds"]
    about = scores.assign(
        variant=run.variant,
        fold=run.fold,
        seed=run.seed,
        updates=scores["epoch"] * updates_an_epoch,
        seconds=scores["epoch"].clip(upper=seconds.index.max()).map(seconds),
        failed=verdict(curves, failed_below)["failed"],
    )
    order = ["variant", "fold", "seed", "weights", "epoch", "updates", "seconds", "parameters"]
    return about[[*order, "case", "dsc", "dsc_liver_slices", "failed"]]


def plateau_summary(
    rows: pd.DataFrame,
    seconds_an_epoch: Mapping[str, float],
    settings: Resampling,
    within: float,
    span: float,
) -> pd.DataFrame:
    """One row per variant, reading of the weights and evaluated epoch.

    ``runs``, and how many of them ``failed`` to train; ``updates`` and ``seconds`` until then, the
    former as a mean over runs, the latter from ``seconds_an_epoch`` (:func:`undisturbed_seconds`);
    ``dsc``, the mean over unseen patients, each with its mean over seeds, with its interval over
    folds and their patients, or, of one fold, over seeds
    (:func:`upwind.studies.intervals.dsc_over_networks`); ``seed_sd``, the standard deviation over
    seeds of a seed's mean; ``lowest`` and ``highest`` mean DSC of a run; ``plateau``: is the point
    on it (:func:`on_the_plateau`)? No point of a curve with a run that failed is, which is flat
    because it ended.
    """
    result: list[dict[str, Any]] = []
    for variant, curves in groups(rows, "variant", sort=False):
        for weights, part in groups(curves, "weights", sort=False):
            points = [_point(at, settings) for _, at in groups(part, "epoch")]
            curve = pd.Series({point["epoch"]: point["dsc"] for point in points})
            reached = on_the_plateau(curve, within, span)
            trained = not part["failed"].any()
            for point, plateau in zip(points, reached, strict=True):
                seconds = point["epoch"] * seconds_an_epoch[variant]
                about = {"variant": variant, "weights": weights, "seconds": seconds}
                result.append(about | point | {"plateau": plateau and trained})
    columns = ["variant", "parameters", "weights", "runs", "failed", "cases", "epoch", "updates"]
    columns += ["seconds", "dsc", "low", "high", "seed_sd", "lowest", "highest", "plateau"]
    return pd.DataFrame(result)[columns]


def on_the_plateau(curve: pd.Series, within: float, span: float) -> list[bool]:
    """For each point of a ``curve``, means by epoch in their order: does it stay ``within`` so much
    of its last from there on?

    That holds of the last point of any curve, so that it has to hold over the last ``span`` of the
    epochs (a share of them); if it does not, the plateau is not reached, and no point is on it.
    """
    near = np.abs(curve - curve.iloc[-1]) <= within
    on_it = near[::-1].cummin()[::-1]
    reached = on_it[curve.index <= (1 - span) * curve.index[-1]].any()
    return [bool(point) for point in on_it & reached]


def undisturbed_seconds(curves: Iterable[pd.DataFrame]) -> float:
    """Seconds of an epoch of runs that are alike but for what else their machine did meanwhile."""
    epochs = [np.diff(table["seconds"], prepend=0.0) for table in curves]
    return float(np.quantile(np.concatenate(epochs), _UNDISTURBED))


def _point(at: pd.DataFrame, settings: Resampling) -> dict[str, Any]:
    by_case = at.pivot_table(index=["fold", "case"], columns="seed", values="dsc")
    runs = at.groupby(["fold", "seed"])["dsc"].mean()
    failed = at[at["failed"]].groupby(["fold", "seed"])
    return {
        "parameters": int(at["parameters"].iloc[0]),
        "runs": len(runs),
        "failed": len(failed),
        "cases": at["case"].nunique(),
        "epoch": int(at["epoch"].iloc[0]),
        "updates": round(at["updates"].mean()),
        **dsc_over_networks(by_case, settings),
        "seed_sd": at.groupby("seed")["dsc"].mean().std(ddof=1),
        "lowest": runs.min(),
        "highest": runs.max(),
    }
