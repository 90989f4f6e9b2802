"""The numbers of Figure 2, made again from the trained weights and the kernels' tables.

As in :mod:`upwind.audit.recomputed.numbers`: with code of its own.
"""

import csv
import functools
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from upwind.audit.findings import Checked, Finding
from upwind.audit.recomputed.kernel_clusters import kernel_cluster_checks
from upwind.audit.recomputed.numbers import CLOSE, Check, Results, run_checks, same
from upwind.audit.recomputed.tensors import read_tensors

_WEIGHTS = [f"w{i}" for i in range(9)]
# k-means stops when its centroids move by less than scikit-learn's tolerance (1e-4 of the
# variance), so the logged score belongs to centroids that are not quite the means.
_KMEANS = 1e-3
# Products of weights in single precision, summed in double.
_PROJECTED = 1e-7
# Measures of kernels are written with seven digits.
_PRINTED = 1e-5
# The UNet's layers in order of execution.
_ORDER = {"down": 0, "bottom": 1, "up": 2}


def check_kernels(results: Results) -> Checked:
    """Every table that Figure 2 is drawn from."""
    if "kernels" not in results.config:
        return Checked()
    weights = (f"networks/unet/{results.config['kernels']['network']}/weights.safetensors",)
    kernels, axes = ("kernels/kernels.csv",), ("kernels/axes.csv",)
    checks: list[tuple[str, str, tuple[str, ...], Check]] = [
        ("kernels", "kernels/kernels.csv", weights, _weights),
        ("kernel_layers", "kernels/layers.csv", kernels, _layers),
        ("principal_axes", "kernels/axes.csv", kernels, _axes),
        ("projections", "kernels/kernels.csv", axes, _projections),
        ("projections", "kernels/stencils.csv", (*kernels, *axes), _stencils),
    ]
    if "spectrum_size" in results.config["kernels"]:  # measured since then
        moments, nearest = ("kernels/moments.csv",), ("kernels/nearest.csv",)
        checks += kernel_cluster_checks(results)
        checks += [
            ("moments", "kernels/moments.csv", kernels, _moments),
            ("kernel_content", "kernels/content.csv", moments, _content),
            ("nearest_shares", "kernels/nearest_shares.csv", nearest, _shares),
        ]
    return run_checks(results, checks)


def _convolutions(results: Results) -> list[np.ndarray]:
    """Weights (out, in, 3, 3) of the UNet's layers in order of execution."""
    path = f"networks/unet/{results.config['kernels']['network']}/weights.safetensors"
    tensors = read_tensors(results.folder / path)
    names = [name for name, array in tensors.items() if array.shape[2:] == (3, 3)]
    return [tensors[name] for name in sorted(names, key=_in_order)]


def _in_order(name: str) -> tuple[int, list[str]]:
    part, *rest = name.split(".")
    return _ORDER[part], rest  # the level, then first or second


def _weights(results: Results) -> Iterator[Finding | int]:
    """One row for each kernel, output channel by output channel, its weights row by row."""
    kernels = np.concatenate([array.reshape(-1, 9) for array in _convolutions(results)])
    table = results.table("kernels/kernels.csv")
    if len(kernels) != len(table["layer"]):
        message = f"{len(table['layer'])} kernels there and {len(kernels)} in the network"
        yield results.number("kernels/kernels.csv", message)
        return
    for row in np.flatnonzero((_vectors(table) != kernels).any(axis=1))[:3]:
        message = f"row {row + 1}: its weights are not those of the network"
        yield results.number("kernels/kernels.csv", message)
    yield len(kernels)


def _vectors(table: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.stack([table[name] for name in _WEIGHTS], axis=1)


def _layers(results: Results) -> Iterator[Finding | int]:
    """Counts, the mean squared distance to the own cluster's mean, and the Calinski-Harabasz
    score: between the clusters and within them, by degrees of freedom."""
    table = results.table("kernels/kernels.csv")
    vectors = _vectors(table)
    for row in results.rows("kernels/layers.csv"):
        chosen = table["layer"] == int(row["layer"])
        points, labels = vectors[chosen], table["cluster"][chosen]
        groups = [points[labels == label] for label in np.unique(labels)]
        within = sum(float(((group - group.mean(0)) ** 2).sum()) for group in groups)
        total = float(((points - points.mean(0)) ** 2).sum())
        freedom = (len(points) - len(groups)) / (len(groups) - 1)
        expected = {
            "in_channels": (len(set(table["in_channel"][chosen])), CLOSE),
            "out_channels": (len(set(table["out_channel"][chosen])), CLOSE),
            "kernels": (len(points), CLOSE),
            "kmeans_mean_score": (-within / len(points), _KMEANS),
            "calinski_harabasz": ((total - within) / within * freedom, CLOSE),
        }
        for column, (value, tolerance) in expected.items():
            if not same(row[column], value, tolerance):
                message = f"layer {row['layer']}: {column} is {row[column]} there and {value:g} by"
                yield results.number("kernels/layers.csv", f"{message} kernels.csv")
            yield 1


def _axes(results: Results) -> Iterator[Finding | int]:
    """Axes of one length, at right angles, along which the kernels vary as much as is said and
    independently of each other: so the principal ones."""
    vectors = _vectors(results.table("kernels/kernels.csv"))
    table = results.table("kernels/axes.csv")
    axes, centred = _vectors(table), vectors - vectors.mean(0)
    covariance = axes @ (centred.T @ centred) @ axes.T / (centred**2).sum()
    gap = np.abs(axes @ axes.T - np.eye(len(axes))).max()
    off = np.abs(covariance - np.diag(table["explained_variance_ratio"])).max()
    if not max(gap, off) <= _PROJECTED:  # also where one is NaN
        message = f"they are no principal axes of kernels.csv (off by {max(gap, off):.1e})"
        yield results.number("kernels/axes.csv", message)
    yield len(axes)


def _projections(results: Results) -> Iterator[Finding | int]:
    table = results.table("kernels/kernels.csv")
    vectors = _vectors(table)
    yield from _projected(results, "kernels/kernels.csv", vectors, vectors.mean(0), table)


def _stencils(results: Results) -> Iterator[Finding | int]:
    mean = _vectors(results.table("kernels/kernels.csv")).mean(0)
    rows = results.rows("kernels/stencils.csv")
    table = {name: np.array([float(row[name]) for row in rows]) for name in ("pc1", "pc2")}
    vectors = np.array([[float(row[name]) for name in _WEIGHTS] for row in rows])
    yield from _projected(results, "kernels/stencils.csv", vectors, mean, table)


def _projected(
    results: Results,
    path: str,
    vectors: np.ndarray,
    mean: np.ndarray,
    table: Mapping[str, np.ndarray],
) -> Iterator[Finding | int]:
    axes = _vectors(results.table("kernels/axes.csv"))
    for index, name in enumerate(("pc1", "pc2")):
        wrong = ~(np.abs((vectors - mean) @ axes[index] - table[name]) <= _PROJECTED)
        for row in np.flatnonzero(wrong)[:3]:
            message = f"row {row + 1}: {name} is not the projection on axis {index + 1} of axes.csv"
            yield results.number(path, message)
        yield len(wrong)


def _moments(results: Results) -> Iterator[Finding | int]:
    """m_ij of the trained network's kernels: sums of k1^i k2^j q / (i! j!), one by one."""
    vectors = _vectors(results.table("kernels/kernels.csv"))
    layers, measures = _measures(results.text("kernels/moments.csv"))
    trained = [network == "trained" for network, _ in layers]
    if sum(trained) != len(vectors):
        message = f"{sum(trained)} kernels there and {len(vectors)} in kernels.csv"
        yield results.number("kernels/moments.csv", message)
        return
    down, along = (k.ravel() for k in np.mgrid[-1:2, -1:2])
    for i, j in np.ndindex(3, 3):
        halves = (2 if i == 2 else 1) * (2 if j == 2 else 1)
        expected = vectors @ (down**i * along**j / halves)
        ours = measures[f"m{i}{j}"][trained]
        for row in np.flatnonzero(~np.isclose(ours, expected, rtol=_PRINTED, atol=_PROJECTED))[:3]:
            message = f"row {row + 1}: m{i}{j} is not that of the kernel in kernels.csv"
            yield results.number("kernels/moments.csv", message)
        yield len(ours)


def _content(results: Results) -> Iterator[Finding | int]:
    """Means of every measure over a layer's kernels."""
    layers, measures = _measures(results.text("kernels/moments.csv"))
    rows_of = defaultdict(list)
    for index, layer in enumerate(layers):
        rows_of[layer].append(index)
    for row in results.rows("kernels/content.csv"):
        kernels = rows_of[row["network"], row["layer"]]
        where = f"{row['network']}, layer {row['layer']}"
        if int(row["kernels"]) != len(kernels):
            message = f"{where}: {row['kernels']} kernels there and {len(kernels)} in moments.csv"
            yield results.number("kernels/content.csv", message)
        for name in [column for column in row if column.startswith(("energy", "angle", "mean_"))]:
            values = measures[name][kernels]
            known = values[~np.isnan(values)]
            mean = float(known.mean()) if len(known) else None
            if not same(row[name], mean, _PRINTED):
                message = f"{where}: {name} is {row[name]} there and {mean} by moments.csv"
                yield results.number("kernels/content.csv", message)
            yield 1


@functools.lru_cache(maxsize=1)
def _measures(text: str) -> tuple[list[tuple[str, str]], dict[str, np.ndarray]]:
    """Network and layer of each kernel, and its measures; NaN where a cell is empty."""
    (_, _, *names), *rows = csv.reader(io.StringIO(text, newline=""))
    cells = np.array([row[2:] for row in rows]).reshape(len(rows), len(names))
    empty = cells == ""
    values = np.where(empty, "nan", cells).astype(float)
    if not np.isfinite(values[~empty]).all():
        raise ValueError("a measure of a kernel is not finite")
    values.setflags(write=False)
    layers = [(network, layer) for network, layer, *_ in rows]
    return layers, dict(zip(names, values.T, strict=True))


def _shares(results: Results) -> Iterator[Finding | int]:
    """Shares of a layer's kernels that each hand-crafted kernel is nearest to."""
    counts = _nearest(results.text("kernels/nearest.csv"))
    totals: Counter[tuple[str, str]] = Counter()
    for (network, number, _), count in counts.items():
        totals[network, number] += count
    for row in results.rows("kernels/nearest_shares.csv"):
        layer = row["network"], row["layer"]
        share = counts[*layer, row["stencil"]] / totals[layer] if totals[layer] else None
        if not same(row["share"], share, _PRINTED):
            message = f"{', layer '.join(layer)}: {row['stencil']} is {row['share']} there and"
            yield results.number("kernels/nearest_shares.csv", f"{message} {share} by nearest.csv")
        yield 1


@functools.lru_cache(maxsize=1)
def _nearest(text: str) -> Counter[tuple[str, str, str]]:
    """How many kernels of a network's layer each hand-crafted kernel is nearest to."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return Counter((row["network"], row["layer"], row["nearest"]) for row in rows)
