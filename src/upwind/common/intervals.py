"""Confidence intervals of a mean over patients, some of whom share a network.

Patients of a fold are segmented by one network, so their scores go up and down together. Intervals
that take them for independent are too narrow: what is independent of each other are the folds. So
folds are resampled first, with their seeds, and then the patients of each; and where there are
fewer than :data:`FEWEST` folds, or patients where there are no folds, Student's t takes the place
of the bootstrap, which is too narrow with so few. ``docs/scores.md`` gives the measured coverage.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

FEWEST = 10


@dataclass(frozen=True)
class Resampling:
    """``resamples`` of the bootstrap, ``confidence`` of the interval, and the ``seed`` of what is
    drawn."""

    resamples: int
    confidence: float
    seed: int

    @property
    def tail(self) -> float:
        """The share on either side of the interval."""
        return (1 - self.confidence) / 2


@dataclass(frozen=True)
class Interval:
    """A mean, its bounds (NaN where one value alone has none), and ``over``, in words: what they
    come from."""

    mean: float
    low: float
    high: float
    over: str


def mean_interval(
    values: np.ndarray, settings: Resampling, folds: Sequence[int] | np.ndarray | None = None
) -> Interval:
    """The mean of ``values`` (n,), or (n, seeds) with NaN where a seed is missing, and its
    interval. ``folds`` (n,) says whose network each value is of; without, or with one fold alone,
    values are taken for independent.

    Bounds are those of Student's t with variances of clusters (Liang and Zeger 1986, with the
    factor k / (k - 1) for k clusters); from :data:`FEWEST` on the expanded percentiles (Hesterberg
    2015, doi:10.1080/00031305.2015.1089789) of a bootstrap of folds and their seeds, and then of
    the patients of each fold (Davison and Hinkley 1997, section 3.8).
    """
    cells = _without_gaps(values)
    groups = _groups(cells, folds)
    rows = cells.mean(axis=1)
    mean = float(rows.mean())
    units, what = (len(groups), "folds") if len(groups) > 1 else (len(rows), "patients")
    if units < 2:
        return Interval(mean, np.nan, np.nan, "")
    if units < FEWEST:
        half = _half_width(groups, rows, settings)
        return Interval(mean, mean - half, mean + half, f"t over {units} {what}")
    means = _resampled_means(groups, settings)
    low, high = np.quantile(means, _expanded(settings.tail, units))
    seeds = f" and {cells.shape[1]} seeds" if cells.shape[1] > 1 else ""
    then = ", then patients" if what == "folds" else ""
    over = f"bootstrap over {units} {what}{seeds}{then}"
    return Interval(mean, float(low), float(high), over)


def percentile_interval(draws: np.ndarray, confidence: float) -> tuple[float, float]:
    """The middle share ``confidence`` of draws."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def _without_gaps(values: np.ndarray) -> np.ndarray:
    """Values (n, seeds); a seed that is missing counts as the mean of the others."""
    cells = np.asarray(values, float).reshape(len(values), -1)
    return np.where(np.isnan(cells), np.nanmean(cells, axis=1, keepdims=True), cells)


def _groups(cells: np.ndarray, folds: Sequence[int] | np.ndarray | None) -> list[np.ndarray]:
    """The values of each fold, in the folds' order."""
    if folds is None:
        return [cells]
    numbers = np.asarray(folds)
    return [cells[numbers == fold] for fold in np.unique(numbers)]


def _half_width(groups: list[np.ndarray], rows: np.ndarray, settings: Resampling) -> float:
    mean = rows.mean()
    sums = np.array([(group.mean(axis=1) - mean).sum() for group in groups])
    if len(groups) == 1:
        sums = rows - mean
    units = len(sums)
    variance = units / (units - 1) * (sums**2).sum() / len(rows) ** 2
    return float(stats.t.ppf(1 - settings.tail, units - 1) * np.sqrt(variance))


def _resampled_means(groups: list[np.ndarray], settings: Resampling) -> np.ndarray:
    """Means (resamples,). How often each fold is drawn is multinomial, and so is, over as many
    draws of each, how often its seeds and patients are."""
    generator = np.random.default_rng(settings.seed)
    folds = np.ones((settings.resamples, 1), int)
    if len(groups) > 1:
        folds = generator.multinomial(len(groups), _even(len(groups)), settings.resamples)
    sums, counts = np.zeros(settings.resamples), np.zeros(settings.resamples)
    for times, cells in zip(folds.T, groups, strict=True):
        drawn, seeds = cells.shape
        patients = generator.multinomial(times * drawn, _even(drawn))
        weights = generator.multinomial(times * seeds, _even(seeds)) / np.maximum(times, 1)[:, None]
        sums += np.einsum("rp,ps,rs->r", patients, cells, weights / seeds)
        counts += times * drawn
    return sums / counts


def _even(count: int) -> np.ndarray:
    return np.full(count, 1 / count)


def _expanded(tail: float, units: int) -> list[float]:
    """Percentiles that make up for the bootstrap's narrowness: it divides by n where the variance
    divides by n - 1, and takes normal quantiles for Student's."""
    wider = np.sqrt(units / (units - 1)) * stats.t.ppf(tail, units - 1)
    expanded = float(stats.norm.cdf(wider))
    return [expanded, 1 - expanded]
