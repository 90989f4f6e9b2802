"""Intervals of a mean: against formulas, and whether they cover."""

import numpy as np
import pytest
from scipy import stats

from upwind.common.intervals import FEWEST, Resampling, mean_interval, percentile_interval


def settings(resamples=2000, confidence=0.95, seed=0):
    return Resampling(resamples, confidence, seed)


def test_few_patients_have_students_interval():
    values = np.array([0.9, 0.7, 0.8, 0.85])
    found = mean_interval(values, settings(confidence=0.9))
    low, high = stats.t.interval(0.9, 3, values.mean(), stats.sem(values))
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), low, high))
    assert found.over == "t over 4 patients"


def test_few_folds_have_students_interval_of_their_means():
    means = np.array([0.9, 0.7, 0.8, 0.85])
    values = (means[:, None] + [-0.1, 0.0, 0.1]).ravel()
    found = mean_interval(values, settings(), np.repeat(range(4), 3))
    low, high = stats.t.interval(0.95, 3, means.mean(), stats.sem(means))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.over == "t over 4 folds"


def test_folds_of_unlike_size_have_the_variance_of_clusters():
    """As statsmodels' cov_type cluster for a mean: sums of residuals, fold by fold."""
    values, folds = np.array([1.0, 2.0, 6.0, 5.0, 4.0]), [3, 3, 8, 8, 9]
    sums = np.array([1 + 2 - 2 * 3.6, 6 + 5 - 2 * 3.6, 4 - 3.6])
    error = np.sqrt(3 / 2 * (sums**2).sum()) / 5
    found = mean_interval(values, settings(), folds)
    assert found.mean == pytest.approx(3.6)
    assert found.high - found.mean == pytest.approx(error * stats.t.ppf(0.975, 2))


def test_from_ten_on_the_bootstrap_is_as_wide_as_students_interval():
    values = np.random.default_rng(0).normal(size=30)
    found = mean_interval(values, settings(20_000))
    low, high = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
    assert found.over == "bootstrap over 30 patients"
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.05 * (high - low))


def test_the_bootstrap_draws_folds_and_then_their_patients():
    """The variance of the two stages together: between the folds' means, (k - 1) / k of it, and
    within folds, over n (Davison and Hinkley 1997, equation 3.19 and after it)."""
    rng = np.random.default_rng(1)
    cells = rng.normal(size=(40, 1)) + rng.normal(size=(40, 5))
    found = mean_interval(cells.ravel(), settings(20_000), np.repeat(range(40), 5))
    variance = cells.mean(axis=1).var() / 40 + cells.var(axis=1).mean() / (40 * 5)
    # Expanded for 40 units.
    width = 2 * np.sqrt(variance) * np.sqrt(40 / 39) * stats.t.ppf(0.975, 39)
    assert found.high - found.low == pytest.approx(width, rel=0.03)
    assert found.over == "bootstrap over 40 folds, then patients"


def test_seeds_are_drawn_with_the_folds():
    """Patients of a fold are alike, and its seeds are not: all variance is that of networks."""
    rng = np.random.default_rng(2)
    networks = rng.normal(size=(30, 1, 3))
    values = np.broadcast_to(networks, (30, 4, 3)).reshape(-1, 3)
    found = mean_interval(values, settings(20_000), np.repeat(range(30), 4))
    variance = networks.mean(axis=2).var() / 30 + networks.var(axis=2).mean() / (30 * 3)
    width = 2 * np.sqrt(variance) * np.sqrt(30 / 29) * stats.t.ppf(0.975, 29)
    # A fold that is drawn twice has its seeds drawn twice, and shares the patients of both.
    assert found.high - found.low == pytest.approx(width, rel=0.05)
    assert found.over == "bootstrap over 30 folds and 3 seeds, then patients"


def test_a_seed_that_is_missing_counts_as_the_mean_of_the_others():
    gap = np.array([[0.2, np.nan, 0.4], [0.5, 0.6, 0.7]])
    whole = np.array([[0.2, 0.3, 0.4], [0.5, 0.6, 0.7]])
    assert mean_interval(gap, settings()) == mean_interval(whole, settings())


def test_one_fold_alone_says_nothing_of_folds():
    values = np.array([0.9, 0.7, 0.8])
    assert mean_interval(values, settings(), [4, 4, 4]) == mean_interval(values, settings())


@pytest.mark.parametrize("folds", [None, [0]])
def test_one_value_has_no_interval(folds):
    found = mean_interval(np.array([0.5]), settings(), folds)
    assert (found.mean, found.over) == (0.5, "")
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("count", [5, 20])
def test_values_that_are_all_the_same_have_no_width(count):
    found = mean_interval(np.full(count, 0.25), settings())
    assert (found.low, found.high) == (0.25, 0.25)


def test_draws_are_those_of_the_seed():
    values = np.random.default_rng(0).normal(size=20)
    assert mean_interval(values, settings(seed=1)) == mean_interval(values, settings(seed=1))
    assert mean_interval(values, settings(seed=1)) != mean_interval(values, settings(seed=2))


def test_percentiles():
    assert percentile_interval(np.arange(101.0), 0.9) == pytest.approx((5, 95))


# Coverage -----------------------------------------------------------------------------------------

TRIALS, WITHIN = 1000, 0.63
# Of 1000 intervals that cover with 0.95, fewer than 926 or more than 972 do so once in 1000 times.
# The bounds of the bootstrap leave room for what it is known to lack: it covers 0.94 to 0.96.
EXACT = stats.binom.ppf([5e-4, 1 - 5e-4], TRIALS, 0.95) / TRIALS


def covered(folds, patients, correlation, interval):
    """Share of intervals that hold the mean of scores with that correlation within a fold."""
    rng = np.random.default_rng(0)
    hits = 0
    numbers = np.repeat(range(folds), patients)
    for trial in range(TRIALS):
        shared = rng.normal(scale=np.sqrt(correlation), size=folds)
        own = rng.normal(scale=np.sqrt(1 - correlation), size=folds * patients)
        low, high = interval(shared[numbers] + own, numbers, trial)
        hits += low <= 0 <= high
    return hits / TRIALS


def ours(values, folds, trial):
    found = mean_interval(values, settings(400, seed=trial), folds)
    return found.low, found.high


def over_patients_alone(values, folds, trial):
    """The percentile bootstrap that takes patients for independent."""
    drawn = np.random.default_rng(trial).choice(values, (400, len(values)))
    return percentile_interval(drawn.mean(axis=1), 0.95)


@pytest.mark.parametrize("patients", [4, 26])
@pytest.mark.parametrize("correlation", [0.0, WITHIN])
def test_intervals_over_five_folds_cover(patients, correlation):
    low, high = EXACT
    assert low <= covered(5, patients, correlation, ours) <= high


def test_intervals_over_ten_folds_cover():
    low, high = EXACT - [0.01, 0]
    assert low <= covered(FEWEST, 8, WITHIN, ours) <= high + 0.01


@pytest.mark.parametrize("patients", [5, 9, 12])
def test_intervals_over_patients_without_folds_cover(patients):
    low, high = EXACT - [0.01, 0]
    assert low <= covered(1, patients, 0.0, ours) <= high


def test_the_bootstrap_over_patients_alone_does_not():
    """What these intervals replace: 95 % intervals of five networks' patients."""
    assert covered(5, 4, WITHIN, over_patients_alone) < 0.75
    assert covered(1, 5, 0.0, over_patients_alone) < 0.87
