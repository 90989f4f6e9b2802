"""Did this fold train? The rule is stated in the config before training starts."""

from typing import TypedDict

import pandas as pd


class Verdict(TypedDict):
    """Whether a run failed to train, why (empty where it did not), and its last held-out DSC."""

    failed: bool
    reason: str
    heldout_dsc: float


def verdict(curves: pd.DataFrame, failed_below: float) -> Verdict:
    """``failed`` and ``reason`` from a run's curves.

    A fold failed to train if its loss stopped being finite, or if DSC on the held-out slices of
    its *training* patients after the last epoch lies below ``failed_below``. The unseen patients
    have no say in it. (The paper leaves out its fold 2 after the fact; its held-out DSC was 0.116.)
    """
    last = curves.iloc[-1]
    result: Verdict = {"failed": False, "reason": "", "heldout_dsc": float(last["heldout_dsc"])}
    if not (abs(last["train_loss"]) < float("inf") and abs(last["heldout_loss"]) < float("inf")):
        return result | {
            "failed": True,
            "reason": f"the loss was no longer finite in epoch {int(last['epoch'])}",
        }
    if not last["heldout_dsc"] >= failed_below:
        return result | {
            "failed": True,
            "reason": f"held-out DSC {last['heldout_dsc']:.3f} is below {failed_below}",
        }
    return result
