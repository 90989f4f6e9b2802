"""``comparison.csv``, made again from the scores.

As in :mod:`upwind.audit.recomputed.numbers`: with code of its own. The bootstrap draws from
NumPy's generator with the same seed, in the order that ``docs/scores.md`` states, so that its
intervals come out the same.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy import stats

from upwind.audit.findings import Checked, Finding
from upwind.audit.recomputed.numbers import (
    SCORES,
    SEEDS,
    Results,
    further_seeds,
    run_checks,
    same,
)

_DISTANCES = ("hd95_mm", "hd95_max_mm", "assd_mm")
_FEW_UNITS = 10  # below: Student's t
_MOST_RESAMPLES = 10**6  # that can be set: a configuration may come from anywhere
_FEW_DIFFERENCES = 6  # below: no test of signs can reach 0.05
_MANY_FOLDS = 12  # above: patterns of signs are drawn
# Of a place (fold, case) the value of each seed.
Places = dict[tuple[int, int], dict[int, float]]
Expected = float | str


def check_comparison(results: Results) -> Checked:
    """Every value of ``comparison.csv``: means, bootstrap intervals and tests over patients."""
    check = ("comparisons", "comparison.csv", (_source(results),), _comparison)
    return run_checks(results, [check])


def _source(results: Results) -> str:
    """Scores of every seed, where there are several."""
    return SEEDS if further_seeds(results) else SCORES


def _comparison(results: Results) -> Iterator[Finding | int]:
    rows = {_key(row): row for row in results.rows("comparison.csv")}
    expected = dict(_compared(results))
    for key in rows.keys() ^ expected.keys():
        yield results.number("comparison.csv", f"{' '.join(key)}: a row too many or too few")
    for key in rows.keys() & expected.keys():
        for column, value in expected[key].items():
            text = rows[key][column]
            if not (text == value if isinstance(value, str) else same(text, value)):
                message = f"{' '.join(key)}: {column} is {text} there and {value!r}"
                yield results.number("comparison.csv", f"{message} by {_source(results)}")
            yield 1


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return row["subset"], row["measure"], row["method"], row["other"]


def _compared(results: Results) -> Iterator[tuple[tuple[str, ...], dict[str, Expected]]]:
    """Rows of the table by key: each method's mean, and each pair's differences."""
    scores = results.rows(_source(results))
    for subset, measure, filled in _measures(scores):
        part = [row for row in scores if row["subset"] == subset]
        values = _by_method(part, measure, filled)
        empty, most = _empty(part), math.inf if measure in _DISTANCES else 1.0
        name = f"{measure}_or_diagonal" if filled else measure
        for method in sorted(values):
            summary = _summary(values[method], results)
            # No score is below 0, and no share above 1.
            summary |= {key: _cut(summary[key], most) for key in ("low", "high")}
            yield (subset, name, method, ""), summary | {"empty": len(empty.get(method, ()))}
        pairs = {}
        for one, other in itertools.combinations(sorted(values), 2):
            differences = _differences(values[one], values[other])
            if differences:
                missed = empty.get(one, set()) | empty.get(other, set())
                summary = _summary(differences, results) | {"empty": len(missed)}
                pairs[one, other] = summary | _tested(differences, results)
        for (one, other), corrected in _holm(pairs).items():
            yield (subset, name, one, other), pairs[one, other] | {"holm_p": corrected}


def _measures(scores: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, str, bool]]:
    """Subset, measure and whether the diagonal stands for what is undefined."""
    names = [m for m in scores[0] if m in ("dsc", *_DISTANCES) or m.startswith("nsd_")]
    for subset in dict.fromkeys(row["subset"] for row in scores):
        part = [row for row in scores if row["subset"] == subset]
        for measure in names:
            if any(row[measure] for row in part):
                yield subset, measure, False
                if measure in _DISTANCES and any(map(_alone, part)):
                    yield subset, measure, True


def _alone(row: Mapping[str, str]) -> bool:
    return (int(row["mask_voxels"]) == 0) != (int(row["label_voxels"]) == 0)


def _empty(part: Sequence[Mapping[str, str]]) -> dict[str, set[int]]:
    """Cases of each method in which one mask alone is empty."""
    found = defaultdict(set)
    for row in filter(_alone, part):
        found[row["method"]].add(int(row["case"]))
    return found


def _by_method(part: Sequence[Mapping[str, str]], measure: str, filled: bool) -> dict[str, Places]:
    """Defined values of each method."""
    found: dict[str, Places] = defaultdict(lambda: defaultdict(dict))
    for row in part:
        text = row["diagonal_mm"] if filled and _alone(row) else row[measure]
        if text:
            place = int(row["fold"] or 0), int(row["case"])
            found[row["method"]][place][int(row.get("seed") or 0)] = float(text)
    return found


def _cut(value: Expected, most: float) -> float:
    return float(np.clip(float(value), 0.0, most))


def _differences(one: Places, other: Places) -> Places:
    """Place by place and seed by seed; what has one seed stands against each of the other's."""
    alone = [len({s for seeds in places.values() for s in seeds}) == 1 for places in (one, other)]
    found: Places = {}
    for place in one.keys() & other.keys():
        a, b = one[place], other[place]
        if alone[0] and not alone[1]:
            found[place] = {seed: next(iter(a.values())) - value for seed, value in b.items()}
        elif alone[1] and not alone[0]:
            found[place] = {seed: value - next(iter(b.values())) for seed, value in a.items()}
        else:
            found[place] = {seed: a[seed] - b[seed] for seed in a.keys() & b.keys()}
    return {place: seeds for place, seeds in found.items() if seeds}


def _summary(values: Places, results: Results) -> dict[str, Expected]:
    places, seeds = sorted(values), sorted({s for of in values.values() for s in of})
    means = {place: _mean(list(values[place].values())) for place in places}
    low, high, over = _interval(values, means, seeds, results)
    found: dict[str, Expected] = {
        "patients": len({case for _, case in places}),
        "mean": _mean(list(means.values())),
        "low": low,
        "high": high,
        "over": over,
        "seeds": len(seeds),
        "seed_low": math.nan,
        "seed_high": math.nan,
    }
    if len(seeds) > 1:
        of_seed = [_mean([of[s] for of in values.values() if s in of]) for s in seeds]
        found |= {"seed_low": min(of_seed), "seed_high": max(of_seed)}
    return found


def _interval(
    values: Places, means: Mapping[tuple[int, int], float], seeds: list[int], results: Results
) -> tuple[float, float, str]:
    """Folds are the units, or patients where there is one fold alone: Student's t of a few, else
    the bootstrap of folds, their seeds and their patients."""
    settings = results.config["comparison"]
    places, mean = sorted(values), _mean(list(means.values()))
    folds = sorted({fold for fold, _ in places})
    what = "folds" if len(folds) > 1 else "patients"
    units = [[p for p in places if p[0] == fold] for fold in folds]
    groups, units = units, units if len(folds) > 1 else [[place] for place in places]
    count, outside = len(units), (1 - settings["confidence"]) / 2
    if count < 2:
        return math.nan, math.nan, ""
    if count < _FEW_UNITS:
        squares = math.fsum(math.fsum(means[p] - mean for p in unit) ** 2 for unit in units)
        error = math.sqrt(squares * count / (count - 1)) / len(places)
        half = float(stats.t.isf(outside, count - 1)) * error
        return mean - half, mean + half, f"t over {count} {what}"
    cells = [
        np.array([[values[p].get(seed, means[p]) for seed in seeds] for p in of]) for of in groups
    ]
    if not 0 < settings["resamples"] <= _MOST_RESAMPLES:
        raise ValueError(f"{settings['resamples']} resamples are no setting")
    draws = _bootstrap(cells, settings["resamples"], results.config["seed"])
    wider = math.sqrt(count / (count - 1)) * stats.t.isf(outside, count - 1)
    share = float(stats.norm.sf(wider))
    low, high = np.quantile(draws, [share, 1 - share])
    over = f"bootstrap over {count} {what}" + (f" and {len(seeds)} seeds" * (len(seeds) > 1))
    return float(low), float(high), over + ", then patients" * (what == "folds")


def _bootstrap(cells: list[np.ndarray], resamples: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    folds = np.ones((resamples, len(cells)), int)
    if len(cells) > 1:
        folds = generator.multinomial(len(cells), [1 / len(cells)] * len(cells), resamples)
    totals, drawn = np.zeros(resamples), np.zeros(resamples)
    for number, of in enumerate(cells):
        (patients, seeds), times = of.shape, folds[:, number]
        who = generator.multinomial(times * patients, [1 / patients] * patients)
        which = generator.multinomial(times * seeds, [1 / seeds] * seeds)
        each = (which @ of.T) / np.maximum(times * seeds, 1)[:, None]
        totals += (who * each).sum(axis=1)
        drawn += times * patients
    return totals / drawn


def _tested(differences: Places, results: Results) -> dict[str, Expected]:
    """Of several folds a test by the signs of their sums; else a signed-rank test of patients."""
    by_fold, by_case = defaultdict(list), defaultdict(list)
    for (fold, case), seeds in sorted(differences.items()):
        by_fold[fold].append(_mean(list(seeds.values())))
        by_case[case].append(_mean(list(seeds.values())))
    if len(by_fold) > 1:
        test, what, values = "sign flips", "folds", [math.fsum(of) for of in by_fold.values()]
    else:
        test, what, values = "signed rank", "patients", [_mean(of) for of in by_case.values()]
    differing = [value for value in values if value != 0]
    if not differing:
        return {"test": test, "p": 1.0, "note": ""}
    if len(differing) < _FEW_DIFFERENCES:
        note = f"{len(differing)} {what} differ: least possible p {2 ** (1 - len(differing)):g}"
        return {"test": test, "p": math.nan, "note": note}
    if what == "folds":
        return {"test": test, "p": _by_signs(differing, results), "note": ""}
    return {"test": test, "p": float(stats.wilcoxon(values).pvalue), "note": ""}


def _by_signs(sums: list[float], results: Results) -> float:
    """The share of patterns of signs whose total is as far from 0 as that of the sums."""
    totals, least = np.zeros(1), abs(math.fsum(sums)) - 1e-12 * math.fsum(map(abs, sums))
    if len(sums) <= _MANY_FOLDS:
        for value in sums:
            totals = np.concatenate([totals + value, totals - value])
        return float(np.count_nonzero(np.abs(totals) >= least) / len(totals))
    drawn = results.config["comparison"]["resamples"]
    turned = np.random.default_rng(results.config["seed"]).integers(0, 2, (drawn, len(sums)))
    totals = ((1 - 2 * turned) * np.array(sums)).sum(axis=1)
    return float((1 + np.count_nonzero(np.abs(totals) >= least)) / (1 + drawn))


def _holm(pairs: Mapping[tuple[str, str], Mapping[str, Expected]]) -> dict[tuple[str, str], float]:
    """Holm's step-down correction over the tested pairs of one subset and measure."""
    p_values = {pair: float(row["p"]) for pair, row in pairs.items()}
    tested = [pair for pair, p in p_values.items() if not math.isnan(p)]
    corrected, least = dict.fromkeys(pairs, math.nan), 0.0
    for done, pair in enumerate(sorted(tested, key=lambda pair: p_values[pair])):
        least = max(least, min(1.0, (len(tested) - done) * p_values[pair]))
        corrected[pair] = least
    return corrected


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
