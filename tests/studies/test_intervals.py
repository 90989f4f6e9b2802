"""Intervals over trained networks: what they are over, by hand, and that they cover."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from upwind.common.intervals import Resampling, mean_interval
from upwind.studies.intervals import dsc_over_networks, over_networks
from upwind.tables.comparison import over_patients

SETTINGS = Resampling(resamples=200, confidence=0.95, seed=0)
PATIENTS = 4


def table(values):
    """``values`` (folds, patients, seeds) with rows (fold, case) and columns (seed)."""
    folds, patients, seeds = np.shape(values)
    index = pd.MultiIndex.from_product([range(folds), range(patients)], names=["fold", "case"])
    columns = pd.RangeIndex(seeds, name="seed")
    return pd.DataFrame(np.reshape(values, (-1, seeds)), index, columns)


def test_of_one_fold_it_is_over_seeds():
    """Student's t of the seeds' means 0.7, 0.8 and 0.9, however far patients lie apart."""
    means = np.array([0.7, 0.8, 0.9])
    found = over_networks(table([[means - 0.3, means + 0.3]]), SETTINGS)
    half = stats.t.ppf(0.975, 2) * 0.1 / np.sqrt(3)
    assert (found.mean, found.low, found.high) == pytest.approx((0.8, 0.8 - half, 0.8 + half))
    assert found.over == "t over 3 seeds"
    assert over_networks(table([[means] * 9]), SETTINGS).low == pytest.approx(found.low)


def test_an_interval_of_dsc_holds_nothing_that_is_impossible():
    found = dsc_over_networks(table([[[0.1, 0.9]]]), SETTINGS)
    assert found == {"dsc": pytest.approx(0.5), "low": 0, "high": 1}
    assert np.isnan(dsc_over_networks(table([[[0.5]]]), SETTINGS)["low"])
    assert over_networks(table([[[0.1, 0.9]]]), SETTINGS).low < 0


def test_one_network_has_no_interval():
    found = over_networks(table([[[0.7], [0.9]]]), SETTINGS)
    assert (found.mean, found.over) == (pytest.approx(0.8), "")
    assert np.isnan([found.low, found.high]).all()


def test_of_several_folds_it_is_over_folds_and_their_patients():
    values = table(np.random.default_rng(0).random((3, PATIENTS, 2)))
    assert over_networks(values, SETTINGS) == over_patients(values, SETTINGS)


def test_a_seed_of_which_nothing_is_defined_does_not_count():
    whole = table([[[0.7, 0.8], [0.9, 0.8]]])
    assert over_networks(whole.assign(gone=np.nan), SETTINGS) == over_networks(whole, SETTINGS)


# Coverage -----------------------------------------------------------------------------------------

TRIALS = 400


def alike(folds, seeds, trial):
    """Differences of two variants that are alike: networks differ by 0.02, patients by 0.01."""
    generator = np.random.default_rng(trial)
    networks = generator.normal(0, 0.02 * np.sqrt(2), (folds, 1, seeds))
    return table(networks + generator.normal(0, 0.01 * np.sqrt(2), (folds, PATIENTS, seeds)))


def left_out(folds, seeds, interval):
    """How often the interval of no difference leaves out 0."""
    found = [interval(alike(folds, seeds, trial), SETTINGS) for trial in range(TRIALS)]
    return sum(not one.low <= 0 <= one.high for one in found) / TRIALS


def over_patients_alone(values, settings):
    return mean_interval(values.mean(axis=1).to_numpy(), settings)


@pytest.mark.parametrize(("folds", "seeds"), [(1, 2), (1, 3), (1, 5), (5, 1), (5, 2)])
def test_intervals_over_networks_cover(folds, seeds):
    few, many = stats.binom.ppf([5e-4, 1 - 5e-4], TRIALS, 0.05) / TRIALS
    assert few <= left_out(folds, seeds, over_networks) <= many


@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_over_the_patients_of_one_fold_do_not(seeds):
    """Which they take the place of."""
    assert left_out(1, seeds, over_patients_alone) > 0.4
