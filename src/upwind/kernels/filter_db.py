"""Measures of the CNN Filter DB (Gavrikov and Keuper, CVPR 2022), layer by layer."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from upwind.kernels.layers import Layer
from upwind.kernels.sizes import FIGURE2

# A kernel is sparse where no weight reaches this share of the layer's largest.
SPARSE_BELOW = 0.01
# Randomness threshold T(n), fitted by the authors to the variance entropy of random kernels.
_HEIGHT, _STEEPNESS, _MIDDLE, _OFFSET = 1.2618047, 0.88767525, 2.30436435, -0.31050834
_BINS = 70  # of the histograms of the distribution shift
_EMPTY_BIN = float(np.finfo(np.float32).eps)


def sparsity(kernels: np.ndarray) -> float:
    """Share of kernels (n, 3, 3) with max |w| < 0.01 max |W|; 1 where all are zero."""
    largest = np.abs(kernels.reshape(len(kernels), -1)).max(axis=1)
    if not largest.any():
        return 1.0
    return float((largest < SPARSE_BELOW * largest.max()).mean())


def variance_entropy(kernels: np.ndarray) -> float:
    """Entropy -sum p_i log10 p_i of the shares p_i of variance along the principal axes of kernels
    (n, 3, 3): 0 where all lie on one line, at most log10 9 = 0.954 (of other sizes the logarithm of
    their number of weights)."""
    vectors = kernels.reshape(len(kernels), -1)
    squares = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False) ** 2
    if not squares.any():
        return 0.0
    p = squares[squares > 0] / squares.sum()  # p log p goes to 0 with p
    return float(-(p * np.log10(p)).sum())


def randomness_threshold(count: int) -> float:
    """T(n): the variance entropy from which ``count`` kernels count as random; not above 0, and so
    without a meaning, for fewer than three."""
    exponent = -_STEEPNESS * (np.log2(count) - _MIDDLE)
    return float(_HEIGHT / (1 + np.exp(exponent)) + _OFFSET)


def randomness(kernels: np.ndarray) -> float:
    """Variance entropy over its threshold: about 0.9 good, near 0 redundant, above 1 random
    (Gavrikov and Keuper); empty (NaN) for too few kernels, and for other sizes than 3x3, which the
    threshold was not fitted to."""
    if kernels.shape[1:] != FIGURE2:
        return np.nan
    threshold = randomness_threshold(len(kernels))
    return variance_entropy(kernels) / threshold if threshold > 0 else np.nan


def orthogonality(weights: np.ndarray) -> float:
    """1 - sum |V V^T - I| / (m (m - 1)) of weights (m, in, 3, 3), V being the m filters, flattened
    and divided by their lengths: 1 where all stand at right angles; empty (NaN) for one filter.
    A filter that is zero stands at right angles to every other."""
    filters = weights.reshape(len(weights), -1).astype(float)
    count = len(filters)
    if count < 2:
        return np.nan
    lengths = np.linalg.norm(filters, axis=1, keepdims=True)
    unit = np.divide(filters, lengths, out=np.zeros_like(filters), where=lengths > 0)
    between = np.abs(unit @ unit.T)
    np.fill_diagonal(between, 0)
    return float(1 - between.sum() / (count * (count - 1)))


def distribution_shift(one: np.ndarray, other: np.ndarray) -> float:
    """How differently two sets of kernels (n, 3, 3) and (m, 3, 3) are distributed, their scale left
    out: sum_i lambda_i (KL(P_i || Q_i) + KL(Q_i || P_i)) over the nine principal axes of the pool,
    lambda_i being an axis's share of the variance and P_i and Q_i histograms along it. 0 for equal
    sets; for small ones far from 0 by chance, see :func:`chance_shift`."""
    bins, ratios = _pooled_bins(one, other)
    return _divergence(bins[: len(one)], bins[len(one) :], ratios)


def chance_shift(
    one: np.ndarray, other: np.ndarray, splits: int, seed: int, paired: bool = False
) -> float:
    """Mean :func:`distribution_shift` of two sets of the same sizes drawn from the pool of both, so
    that they are distributed alike: what the shift is by chance. Where kernel i of one is kernel i
    of the other at another time (``paired``), each of the two sets has one of the two, by lot:
    they are as alike as the sets themselves, and halves of the pool are not."""
    bins, ratios = _pooled_bins(one, other)
    count = len(one)
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(splits):
        if paired:
            swapped = generator.integers(2, size=count).astype(bool)
            order = np.arange(2 * count).reshape(2, count)
            order[:, swapped] = order[::-1, swapped]
            mixed = bins[order.ravel()]
        else:
            mixed = generator.permutation(bins)
        found.append(_divergence(mixed[:count], mixed[count:], ratios))
    return float(np.mean(found))


def _pooled_bins(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In which bin (n + m, 9) the kernels of both sets lie along each of the pool's axes, bins
    being of one width from the least to the largest coefficient, and the axes' shares (9,)."""
    pool = np.concatenate([_scaled(one), _scaled(other)])
    centred = pool - pool.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred)
    variances = np.clip(variances, 0, None)
    total = variances.sum()
    coefficients = centred @ axes
    limits = (coefficients.min(), coefficients.max())
    edges = np.histogram_bin_edges(coefficients, _BINS, limits)
    bins = np.minimum(np.searchsorted(edges, coefficients, side="right"), _BINS) - 1
    return bins, variances / total if total > 0 else variances


def _scaled(kernels: np.ndarray) -> np.ndarray:
    vectors = kernels.reshape(len(kernels), -1)
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    return np.divide(vectors, largest, out=np.zeros_like(vectors), where=largest > 0)


def _divergence(one: np.ndarray, other: np.ndarray, ratios: np.ndarray) -> float:
    p, q = _histograms(one), _histograms(other)
    return float(sum(ratios * ((p - q) * np.log(p / q)).sum(axis=1)))


def _histograms(bins: np.ndarray) -> np.ndarray:
    """Shares (9, bins) of kernels in each bin along each axis, none of them 0."""
    axes = bins.shape[1]
    places = bins + np.arange(axes) * _BINS
    counts = np.bincount(places.ravel(), minlength=axes * _BINS).reshape(axes, _BINS)
    shares = counts / counts.sum(axis=1, keepdims=True)
    shares[shares == 0] = _EMPTY_BIN
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def filter_table(layers: Iterable[Layer]) -> pd.DataFrame:
    """One row per layer: ``part``, ``layer``, ``name``, ``kernels``, ``sparsity``,
    ``variance_entropy``, ``randomness``, ``orthogonality``."""
    return pd.DataFrame(
        [
            {
                "part": layer.part,
                "layer": layer.number,
                "name": layer.name,
                "kernels": len(layer.kernels),
                "sparsity": sparsity(layer.kernels),
                "variance_entropy": variance_entropy(layer.kernels),
                "randomness": randomness(layer.kernels),
                "orthogonality": orthogonality(layer.weights),
            }
            for layer in layers
        ]
    )


def shift_table(
    layers: Iterable[Layer],
    reference: Mapping[int, Layer],
    splits: int,
    seed: int,
    paired: bool = False,
) -> pd.DataFrame:
    """For each of the ``layers`` that is in ``reference`` (by number): ``layer``, ``shift`` between
    the kernels of both, and ``shift_chance``; ``paired`` as in :func:`chance_shift`."""
    rows = []
    for layer in layers:
        if layer.number in reference:
            one, other = layer.kernels, reference[layer.number].kernels
            rows.append(
                {
                    "layer": layer.number,
                    "shift": distribution_shift(one, other),
                    "shift_chance": chance_shift(one, other, splits, seed, paired),
                }
            )
    return pd.DataFrame(rows, columns=["layer", "shift", "shift_chance"])
