"""``comparison.csv``, made again from the scores.

As in :mod:`upwind.audit.recomputed.numbers`: with code of its own. The bootstrap draws from
NumPy's generator with the same seed, so that its intervals come out the same.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from scipy import stats

from upwind.audit.findings import Checked, Finding
from upwind.audit.recomputed.numbers import Results, run_checks, same

_MEASURES = ("dsc", "hd95_mm", "assd_mm")


def check_comparison(results: Results) -> Checked:
    """Every value of ``comparison.csv``: means, bootstrap intervals and tests over patients."""
    check = ("comparisons", "comparison.csv", ("scores.csv",), _comparison)
    return run_checks(results, [check])


def _comparison(results: Results) -> Iterator[Finding | int]:
    rows = {_key(row): row for row in results.rows("comparison.csv")}
    expected = dict(_compared(results))
    for key in rows.keys() ^ expected.keys():
        yield results.number("comparison.csv", f"{' '.join(key)}: a row too many or too few")
    for key in rows.keys() & expected.keys():
        for column, value in expected[key].items():
            if not same(rows[key][column], value):
                message = f"{' '.join(key)}: {column} is {rows[key][column]} there and {value!r}"
                yield results.number("comparison.csv", f"{message} by scores.csv")
            yield 1


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return row["subset"], row["measure"], row["method"], row["other"]


def _compared(results: Results) -> Iterator[tuple[tuple[str, ...], dict[str, float]]]:
    """Rows of the table by key: each method's mean over patients, and each pair's differences."""
    patients = _by_patient(results)
    for subset, measure in sorted({key[:2] for key in patients}):
        methods = sorted(key[2] for key in patients if key[:2] == (subset, measure))
        pairs = {}
        for method in methods:
            values = patients[subset, measure, method]
            summary = _summary([values[case] for case in sorted(values)], results)
            yield (subset, measure, method, ""), summary
        for one, other in itertools.combinations(methods, 2):
            a, b = patients[subset, measure, one], patients[subset, measure, other]
            differences = [a[case] - b[case] for case in sorted(a.keys() & b.keys())]
            if differences:
                summary = _summary(differences, results)
                pairs[one, other] = summary | {"wilcoxon_p": _signed_rank(differences)}
        for (one, other), corrected in _holm(pairs).items():
            row = pairs[one, other] | {"holm_p": corrected}
            yield (subset, measure, one, other), row


def _by_patient(results: Results) -> dict[tuple[str, str, str], dict[int, float]]:
    """Mean of each patient's defined scores, by subset, measure and method."""
    found: defaultdict[tuple[str, str, str], defaultdict[int, list[float]]]
    found = defaultdict(lambda: defaultdict(list))
    for row in results.rows("scores.csv"):
        for measure in _MEASURES:
            if row[measure]:
                key = row["subset"], measure, row["method"]
                found[key][int(row["case"])].append(float(row[measure]))
    return {
        key: {case: math.fsum(values) / len(values) for case, values in cases.items()}
        for key, cases in found.items()
    }


def _summary(values: list[float], results: Results) -> dict[str, float]:
    """Mean and percentile bootstrap over patients."""
    count, data = len(values), np.array(values)
    summary = {"patients": count, "mean": math.fsum(values) / count}
    if count < 2:
        return summary | {"low": math.nan, "high": math.nan}
    settings = results.config["comparison"]
    draws = np.random.default_rng(results.config["seed"]).choice(
        data, (settings["resamples"], count)
    )
    means, outside = draws.sum(axis=1) / count, (1 - settings["confidence"]) / 2
    low, high = np.quantile(means, [outside, 1 - outside])
    return summary | {"low": float(low), "high": float(high)}


def _signed_rank(differences: list[float]) -> float:
    return float(stats.wilcoxon(differences).pvalue) if any(differences) else 1.0


def _holm(pairs: Mapping[tuple[str, str], Mapping[str, float]]) -> dict[tuple[str, str], float]:
    """Holm's step-down correction over the pairs of one subset and measure."""
    corrected, least = {}, 0.0
    ordered = sorted(pairs, key=lambda pair: pairs[pair]["wilcoxon_p"])
    for done, pair in enumerate(ordered):
        least = max(least, min(1.0, (len(pairs) - done) * pairs[pair]["wilcoxon_p"]))
        corrected[pair] = least
    return corrected
