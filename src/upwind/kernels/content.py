"""How much finite difference is in a kernel: energy by order of derivative, the mean, and angles to
the stencils of the level set equation.

The moments (:mod:`upwind.kernels.moments`) are the kernel in a basis that is not orthogonal, so
shares of energy are taken in the orthonormal basis that Gram and Schmidt make of it: products of
the discrete Legendre (Gram) polynomials, of degree 0, 1 and 2 on {-1, 0, 1} for a 3x3 kernel. What
lies in the products of degree d and above answers with zero to every polynomial of a degree below
d, as a derivative of order d does.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from upwind.kernels.analysis_settings import normal_quantile
from upwind.kernels.layers import Layer
from upwind.kernels.moments import moments
from upwind.kernels.sizes import (
    FIGURE2,
    Size,
    along_axes,
    energies_in,
    energy_columns,
    moment_columns,
    orders_of,
    polynomials,
)
from upwind.kernels.tables import kernel_table

ORDERS = range(5)  # of derivatives in two dimensions, at most two along each axis
ENERGIES = energy_columns(FIGURE2)
DEFECT = "mean_zero_defect"
SPAN_ANGLES = ["angle_upwind", "angle_central"]
SPAN_DIMENSIONS = (4, 5)  # of the spans that these are angles to
NEAREST_ANGLES = ["angle_nearest_upwind", "angle_nearest_central"]
_OTHERS = [DEFECT, *SPAN_ANGLES, *NEAREST_ANGLES]


def energies(kernels: np.ndarray) -> np.ndarray:
    """Energy (n, 5) of kernels (n, 3, 3) in derivatives of order 0 (the mean) to 4, of larger ones
    in as many orders as they have; they add up to the sums of squared weights."""
    size = kernels.shape[1:]
    squares = along_axes(polynomials(size[0]), kernels, len(size)) ** 2
    by_order = orders_of(size)
    numbers = range(by_order.max() + 1)
    return np.stack([squares[:, by_order == order].sum(axis=1) for order in numbers], axis=1)


def energy_by_order(kernels: np.ndarray) -> np.ndarray:
    """Shares (n, 5) of the squared norm of kernels (n, 3, 3) that belong to derivatives of order 0
    (the mean) to 4, of larger ones to more; they add up to 1. Empty (NaN) for a kernel of zeros."""
    by_order = energies(kernels)
    return _ratio(by_order, by_order.sum(axis=1, keepdims=True))


def mean_zero_defect(kernels: np.ndarray) -> np.ndarray:
    """|m_00| / ||q|| of kernels (n, 3, 3): 0 for a difference (the paper's condition), 3, the most
    there is, for a mean (the root of the number of weights, whatever the size)."""
    axes = tuple(range(1, kernels.ndim))
    return _ratio(np.abs(kernels.sum(axis=axes)), np.sqrt((kernels**2).sum(axis=axes)))


def angle_to_span(kernels: np.ndarray, stencils: np.ndarray) -> np.ndarray:
    """Angles (n,) in degrees between kernels (n, 3, 3), or of another size, and the span of
    ``stencils`` (k, 3, 3) of that size."""
    vectors = kernels.reshape(len(kernels), -1)
    flat = stencils.reshape(len(stencils), -1)
    left, singular, _ = np.linalg.svd(flat.T, full_matrices=False)
    basis = left[:, singular > singular[0] * 1e-10]
    coefficients = vectors @ basis
    inside = np.linalg.norm(coefficients, axis=1)
    outside = np.linalg.norm(vectors - coefficients @ basis.T, axis=1)
    angles = np.degrees(np.arctan2(outside, inside))  # exact for small angles, as arccos is not
    return np.where(vectors.any(axis=1), angles, np.nan)


def chance_angle(dimensions: int) -> float:
    """Mean angle in degrees between a 3x3 kernel of independent normal weights and a span of so
    many dimensions: its squared cosine has the beta distribution of ``dimensions`` / 2 and
    (9 - ``dimensions``) / 2."""
    from scipy.stats import beta

    share = beta(dimensions / 2, (9 - dimensions) / 2)
    return float(np.degrees(share.expect(lambda x: np.arccos(np.sqrt(x)))))


def angle_to_nearest(kernels: np.ndarray, stencils: np.ndarray) -> np.ndarray:
    """Angles (n,) in degrees between kernels (n, 3, 3) and the nearest line through one of
    ``stencils`` (k, 3, 3), whatever its sign."""
    each = [angle_to_span(kernels, stencil[None]) for stencil in stencils]
    return np.min(each, axis=0)


def content(kernels: np.ndarray) -> pd.DataFrame:
    """One row for each of the kernels (n, 3, 3), or of another size.

    Columns: ``m00`` to ``m22`` (moment matrix); ``energy_0`` to ``energy_4`` (shares by order of
    derivative); ``mean_zero_defect``; ``angle_upwind`` and ``angle_central`` (degrees, to the span
    of the scheme's four one-sided differences, and of its five central ones: Dx, Dy, Dxx, Dyy,
    Dxy); ``angle_nearest_upwind`` and ``angle_nearest_central`` (to the nearest single one). Larger
    kernels have more moments and orders; the scheme's stencils then stand in their middle, and in
    three dimensions there are six and nine of them.

    D+x + D-x is 2 Dx and D+x - D-x is Dxx: the first span has four dimensions and lies in the
    second, which has five. Angles to single stencils tell upwind from central ones; spans cannot.
    """
    size = kernels.shape[1:]
    upwind, central = _differences(size)
    flat = moments(kernels, len(size)).reshape(len(kernels), -1)
    table = pd.DataFrame(flat, columns=moment_columns(size))
    table[energy_columns(size)] = energy_by_order(kernels)
    table[DEFECT] = mean_zero_defect(kernels)
    table[SPAN_ANGLES[0]] = angle_to_span(kernels, upwind)
    table[SPAN_ANGLES[1]] = angle_to_span(kernels, central)
    table[NEAREST_ANGLES[0]] = angle_to_nearest(kernels, upwind)
    table[NEAREST_ANGLES[1]] = angle_to_nearest(kernels, central)
    return table


def _differences(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """The scheme's one-sided and its other difference stencils, in the middle of kernels of a
    size."""
    # Imported when needed: it takes torch along, and figures only want the names above.
    from upwind.levelset.equation.scheme import finite_differences

    axes = len(size)
    stencils = finite_differences(spacing=(1.0,) * axes).double().numpy()
    around = [(0, 0), *(((side - 3) // 2,) * 2 for side in size)]
    padded = np.pad(stencils, around)
    return padded[: 2 * axes], padded[2 * axes :]


def moment_table(layers: Iterable[Layer]) -> pd.DataFrame:
    """:func:`content` of every kernel, with ``layer`` and ``kernel`` (from 0) before it."""
    return kernel_table(layers, lambda layer: content(layer.kernels))


def content_by_layer(table: pd.DataFrame, layers: Iterable[Layer]) -> pd.DataFrame:
    """Means over each layer's kernels of a :func:`moment_table`: ``part``, ``layer``, ``name``,
    ``kernels``, and the mean of every measure (kernels that are zero have none)."""
    facts = [
        {"part": layer.part, "layer": layer.number, "name": layer.name} | {"kernels": n}
        for layer in layers
        for n in [len(layer.kernels)]
    ]
    means = table.groupby("layer")[_measures(table)].mean()
    return pd.DataFrame(facts).join(means, on="layer")


def content_by_part(
    table: pd.DataFrame, layers: Iterable[Layer], confidence: float
) -> pd.DataFrame:
    """Means over all kernels of encoder, bottleneck and decoder, in long form: ``part``,
    ``measure``, ``kernels``, ``mean``, and ``low`` to ``high``, its normal interval, kernels being
    taken for independent draws."""
    parts = {layer.number: layer.part for layer in layers}
    z = normal_quantile(confidence)
    measures = _measures(table)
    rows = []
    for part, kernels in table.groupby(table["layer"].map(parts), sort=False):
        values = kernels[measures].dropna()
        means, errors = values.mean(), values.sem()
        for measure in measures:
            mean, half = means[measure], z * errors[measure]
            row = {"part": part, "measure": measure, "kernels": len(values), "mean": mean}
            rows.append(row | {"low": mean - half, "high": mean + half})
    return pd.DataFrame(rows)


def _measures(table: pd.DataFrame) -> list[str]:
    return [*energies_in(table), *_OTHERS]


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    above, below = np.broadcast_arrays(above, below)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
