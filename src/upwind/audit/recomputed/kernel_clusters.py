"""Whether kernels form clusters, from the numbers that the verdict rests on, made again.

As in :mod:`upwind.audit.recomputed.numbers`: with code of its own. Clouds without clusters are not
drawn again; what follows from them is.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy import stats

from upwind.audit.findings import Finding
from upwind.audit.recomputed.numbers import Check, Results, same

_TESTS, _SHARES = "kernels/cluster_tests.csv", "kernels/concentrations.csv"
_VERDICTS = "kernels/cluster_verdicts.csv"
_PRINTED = 1e-5
_LAST_DIGIT = 1e-6  # of a value of seven
_WITHIN, _SLIGHT, _SLIGHT_SHARE = 0.95, 0.03, 0.01
_ROUNDS, _FEW = 10, 45
_MOST = 0.5
_P = ("p", "p_isotropic")
# Share of directions in nine dimensions within that cosine of an axis: of the sphere, two caps.
_CHANCE = 2 * float(stats.t.sf(_WITHIN * math.sqrt(8 / (1 - _WITHIN**2)), 8))
# Up to a factor, row by row.
_STENCILS = {
    "mean": [1, 1, 1, 1, 1, 1, 1, 1, 1],
    "gaussian": [1, 2, 1, 2, 4, 2, 1, 2, 1],
    "laplacian": [0, 1, 0, 1, -4, 1, 0, 1, 0],
    "edge_right": [-1, 0, 1, -2, 0, 2, -1, 0, 1],
    "edge_down": [-1, -2, -1, 0, 0, 0, 1, 2, 1],
    "identity": [0, 0, 0, 0, 1, 0, 0, 0, 0],
    "sharpen": [0, -1, 0, -1, 5, -1, 0, -1, 0],
}
Rows = Sequence[Mapping[str, str]]


def kernel_cluster_checks(results: Results) -> list[tuple[str, str, tuple[str, ...], Check]]:
    """Checks of the tables behind ``cluster_verdicts.csv``, where a run has them."""
    if not (results.folder / _TESTS).is_file():  # from before the test
        return []
    return [
        ("cluster_tests", _TESTS, (_TESTS,), _tests),
        ("concentrations", _SHARES, ("kernels/kernels.csv",), _concentrations),
        ("cluster_verdicts", _VERDICTS, (_TESTS, _SHARES), _verdicts),
    ]


def _tests(results: Results) -> Iterator[Finding | int]:
    """Effect, z and p of each statistic, by its value and those of the clouds; p corrected."""
    rows = results.rows(_TESTS)
    draws = int(results.config["kernels"]["references"])
    corrected = _corrected(rows, "p")
    for row, holm_p in zip(rows, corrected, strict=True):
        value, mean, deviation = (float(row[x]) for x in ("value", "reference", "reference_sd"))
        error = deviation * math.sqrt(1 + 1 / draws)
        slight = _SLIGHT * (1 - mean) / error if error > 0 else 0.0
        expected = {
            "z": (value - mean) / error if error > 0 else 0.0,
            "effect": (value - mean) / (1 - mean) if mean < 1 else 0.0,
            "p": float(stats.t.sf(float(row["z"]) - slight, draws - 1)),
            "holm_p": holm_p,
        }
        # Differences of numbers with seven digits, in units of their spread.
        rough = _LAST_DIGIT / error if error > 0 else 0.0
        slack = {"z": rough, "p": rough}
        for column, number in expected.items():
            if not same(row[column], number, max(_PRINTED, slack.get(column, 0.0))):
                where = f"{row['network']}, layer {row['layer']}, {row['statistic']}"
                message = f"{where}: {column} is {row[column]} there and {number:g} by its row"
                yield results.number(_TESTS, message)
            yield 1


def _concentrations(results: Results) -> Iterator[Finding | int]:
    """Shares of the trained network's kernels at each hand-crafted one; p corrected."""
    table = results.table("kernels/kernels.csv")
    vectors = np.stack([table[f"w{place}"] for place in range(9)], axis=1)
    rows = results.rows(_SHARES)
    # Runs from before that column counted kernels as they are, and against clouds alone.
    isotropic = bool(rows) and "isotropic" in rows[0]
    corrected = {f"holm_{x}": _corrected(rows, x) for x in _P[: 1 + isotropic]}
    for place, row in enumerate(rows):
        expected = {column: numbers[place] for column, numbers in corrected.items()}
        kernels = vectors[table["layer"] == int(row["layer"])]
        if row["network"] == "trained" and len(kernels) == int(row["kernels"]):  # not a sample
            counted = _drawn_near(kernels) if isotropic else kernels
            expected["share"] = _share(counted, np.array(_STENCILS[row["stencil"]], float))
        if isotropic:
            expected["isotropic"] = _CHANCE
        for column, number in expected.items():
            if not same(row[column], number, _PRINTED):
                where = f"{row['network']}, layer {row['layer']}, {row['stencil']}"
                message = f"{where}: {column} is {row[column]} there and {number:g} made again"
                yield results.number(_SHARES, message)
            yield 1


def _share(kernels: np.ndarray, stencil: np.ndarray) -> float:
    lengths = np.linalg.norm(kernels, axis=1) * np.linalg.norm(stencil)
    known = lengths > 0
    return float((np.abs(kernels[known] @ stencil) / lengths[known] > _WITHIN).mean())


def _drawn_near(kernels: np.ndarray) -> np.ndarray:
    """Kernels, those beyond twice the median Mahalanobis distance moved there; mean and covariance
    are of the moved ones. Fewer than 45 are cut by length, which leaves their directions."""
    if len(kernels) < _FEW:
        return kernels
    near = kernels
    for _ in range(_ROUNDS):
        centre, spread = near.mean(axis=0), np.cov(near.T)
        away = kernels - centre
        inverse = np.linalg.pinv(spread, rcond=1e-12, hermitian=True)
        distances = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", away, inverse, away), 0))
        limit = 2 * np.median(distances[distances > 0])
        near = centre + away * np.minimum(1, limit / np.maximum(distances, 1e-300))[:, None]
    return near


def _corrected(rows: Rows, column: str) -> list[float]:
    """Holm's step-down correction of a column over the rows of each network."""
    places = defaultdict(list)
    for place, row in enumerate(rows):
        places[row["network"]].append(place)
    corrected = [math.nan] * len(rows)
    for chosen in places.values():
        least = 0.0
        for done, place in enumerate(sorted(chosen, key=lambda at: float(rows[at][column]))):
            least = max(least, min(1.0, (len(chosen) - done) * float(rows[place][column])))
            corrected[place] = least
    return corrected


def _verdicts(results: Results) -> Iterator[Finding | int]:
    """The rule: a corrected p below the level, and of a share that it is no slight one."""
    level = 1 - float(results.config["comparison"]["confidence"])
    around, favoured, shared = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in results.rows(_TESTS):
        if _certain(row, level):
            around[row["layer"]].append(row["statistic"])
    for row in results.rows(_SHARES):
        if _certain(row, level) and float(row["share"]) - float(row["reference"]) >= _SLIGHT_SHARE:
            favoured[row["layer"]].append(row["stencil"])
        if _certain(row, level, "holm_p_isotropic") and float(row["share"]) >= _MOST:
            shared[row["layer"]].append(row["stencil"])
    for row in results.rows(_VERDICTS):
        layer = row["layer"]
        verdict = "one shared direction, no clusters" if shared[layer] else "no clusters"
        verdict = "favoured directions, no clusters" if favoured[layer] else verdict
        verdict = "clusters" if around[layer] else verdict
        found = verdict, *(" ".join(x[layer]) for x in (around, favoured, shared))
        told = row["verdict"], row["around"], row["favoured"], row.get("shared", "")
        if told != found:
            message = f"layer {layer}: {row['verdict']} there and {verdict} by the tests"
            yield results.number(_VERDICTS, message)
        yield 1


def _certain(row: Mapping[str, str], level: float, column: str = "holm_p") -> bool:
    # Runs from before a column have none of what it tells.
    return row["network"] == "trained" and float(row.get(column, 1)) < level
