import json
import math

import pandas as pd
import pytest

from upwind.training.state import CURVE_COLUMNS
from upwind.training.verdict import verdict


def curves(*rows):
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


GOOD = (1, 0.3, 0.4, 0.8, 1.0)


@pytest.mark.parametrize(
    ("dsc", "failed"), [(0.5, False), (0.4999, True), (0.9, False), (0.0, True), (math.nan, True)]
)
def test_a_run_fails_below_the_threshold_and_not_on_it(dsc, failed):
    result = verdict(curves(GOOD, (2, 0.3, 0.4, dsc, 2.0)), 0.5)
    assert result["failed"] is failed
    assert bool(result["reason"]) is failed
    if failed:
        assert "below 0.5" in result["reason"]


def test_only_the_last_epoch_counts():
    assert verdict(curves((1, 0.9, 0.9, 0.1, 1.0), GOOD), 0.5)["failed"] is False
    assert verdict(curves(GOOD, (2, 0.9, 0.9, 0.1, 2.0)), 0.5)["failed"] is True


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", ["train_loss", "heldout_loss"])
def test_a_loss_that_is_not_finite_fails_whatever_the_dsc(loss, column):
    table = curves(GOOD, (2, 0.3, 0.4, 0.95, 2.0))
    table.loc[1, column] = loss
    result = verdict(table, 0.0)
    assert result["failed"] is True
    assert result["reason"] == "the loss was no longer finite in epoch 2"


def test_a_threshold_of_zero_lets_every_finite_run_pass():
    assert verdict(curves((1, 0.9, 0.9, 0.0, 1.0)), 0.0)["failed"] is False


def test_a_verdict_is_plain_enough_for_json():
    result = verdict(curves(GOOD), 0.5)
    assert json.loads(json.dumps(result)) == {"failed": False, "reason": "", "heldout_dsc": 0.8}
