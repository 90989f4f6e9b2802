"""Which derivative of which Gaussian a kernel is nearest to.

Scale-space theory holds Gaussian derivatives for what a visual system should look through, and
Lindeberg et al. (J Math Imaging Vis 68:22, 2026) model by them the eight kinds of kernels that were
found in depthwise layers of ConvNeXt. Here each kernel of the plane is held against one isotropic
Gaussian about its middle, or its first derivative along some direction, its second, or its
Laplacian, integrated over each weight's square. For a small Gaussian these are the finite
differences: (-1, 0, 1), (1, -2, 1), and the five-point Laplacian. Gaussians beside the middle, by
half a pixel in some of those eight, are not tried.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.special import ndtr

from upwind.common.compiled import jit
from upwind.common.frames import groups
from upwind.kernels.layers import Layer
from upwind.kernels.tables import kernel_table

_jit = jit(nogil=True)

WELL = 0.1  # residual below which a Gaussian derivative tells a kernel

# Scales are tried in steps of 8 %, angles of second derivatives in steps of 3 degrees: what lies
# between leaves less than 0.01 of the energy.
_SMALLEST, _STEP = 0.3, 1.08
_ANGLES = np.radians(np.arange(0, 180, 3))
# Of the second derivatives across, mixed and down, what that along each angle is made of.
_TURNED = np.stack([np.cos(_ANGLES) ** 2, np.sin(2 * _ANGLES), np.sin(_ANGLES) ** 2])


def gaussian_derivatives(kernels: np.ndarray) -> pd.DataFrame:
    """The best of all fits of each of the kernels (n, s, s), which act by cross-correlation.

    Columns: ``order`` of the derivative (0, 1 or 2); ``scale``, the Gaussian's standard deviation
    in pixels, from 0.3 to the kernel's side; ``angle`` in degrees, from the columns' direction
    (right) towards the rows' (down), of a first derivative 0 to 360, of a second 0 to 180, empty
    for the Gaussian itself and for the Laplacian, which is of order 2, too; ``residual``, the share
    of the kernel's squared length that the fit leaves, 0 to 1. A fit may be negative, but for a
    first derivative, whose angle tells that. Empty for a kernel that is zero.
    """
    side = kernels.shape[-1]
    scales = _scales(side)
    forms = np.array([_forms(side, scale) for scale in scales])
    found, explained = _best(
        np.ascontiguousarray(kernels.reshape(len(kernels), -1), dtype=float),
        forms.reshape(len(scales), _FORMS, -1),
        np.array([_lengths(*profiles(side, scale)) for scale in scales]),
        _TURNED,
    )
    table = pd.DataFrame(found, columns=["order", "scale", "angle"])
    known = explained > 0
    table["order"] = table["order"].where(known)
    table["scale"] = pd.Series(scales[found[:, 1].astype(int)]).where(known)
    # Twice, for what is so little below 0 that it rounds to 360.
    table["angle"] = np.degrees(table["angle"]).where(known) % 360 % 360
    squares = (kernels.reshape(len(kernels), -1) ** 2).sum(axis=1)
    left = 1 - np.divide(explained, squares, out=np.ones(len(kernels)), where=known)
    table["residual"] = pd.Series(np.clip(left, 0, 1)).where(known)
    return table


def gaussian_table(layers: Iterable[Layer]) -> pd.DataFrame:
    """:func:`gaussian_derivatives` of every kernel, with ``layer`` and ``kernel`` before it."""
    return kernel_table(layers, lambda layer: gaussian_derivatives(layer.kernels))


def gaussian_by_layer(table: pd.DataFrame) -> pd.DataFrame:
    """Of each layer of a :func:`gaussian_table`: ``layer``, ``kernels`` (that are not zero),
    ``residual`` (mean), ``well`` (share of the kernels whose residual is below 0.1), ``scale``
    (median), and the shares of kernels whose best fit is of order 0 to 2."""
    rows = []
    for layer, part in groups(table.dropna(subset="residual"), "layer"):
        shares = part["order"].value_counts(normalize=True)
        row = {"layer": layer, "kernels": len(part), "residual": part["residual"].mean()}
        row |= {"well": (part["residual"] < WELL).mean(), "scale": part["scale"].median()}
        rows.append(row | {f"order_{order}": shares.get(order, 0.0) for order in range(3)})
    return pd.DataFrame(rows)


def _scales(side: int) -> np.ndarray:
    count = int(np.log(side / _SMALLEST) / np.log(_STEP)) + 1
    return np.asarray(_SMALLEST * _STEP ** np.arange(count))


def _forms(side: int, scale: float) -> list[np.ndarray]:
    """What fits are made of (s, s): the Gaussian, its first derivatives to the right and down, its
    second ones across, mixed and down."""
    g, g1, g2 = profiles(side, scale)
    rows, columns = (g, g, g1, g, g1, g2), (g, g1, g, g2, g1, g)
    return [np.outer(row, column) for row, column in zip(rows, columns, strict=True)]


_FORMS = 6


def _lengths(g: np.ndarray, g1: np.ndarray, g2: np.ndarray) -> np.ndarray:
    """Squared lengths of the Gaussian, a first derivative, the Laplacian, and of the second
    derivative along each angle."""
    second, mixed, across = (g @ g) * (g2 @ g2), (g1 @ g1) ** 2, (g @ g2) ** 2
    turned = (_TURNED[0] ** 2 + _TURNED[2] ** 2) * second + _TURNED[1] ** 2 * mixed
    turned += 2 * _TURNED[0] * _TURNED[2] * across
    return np.array([(g @ g) ** 2, (g @ g) * (g1 @ g1), 2 * second + 2 * across, *turned])


@_jit
def _best(
    kernels: np.ndarray, forms: np.ndarray, lengths: np.ndarray, turned: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Order, place of the scale and angle in radians (n, 3) of the best fit of kernels (n, d), and
    the squared length that it explains (n,)."""
    found = np.zeros((len(kernels), 3))
    best = np.zeros(len(kernels))
    on = np.empty(forms.shape[1])
    explained = np.empty(lengths.shape[1])
    for place in range(len(kernels)):
        for scale in range(len(forms)):
            for form in range(len(on)):
                on[form] = 0.0
                for weight in range(kernels.shape[1]):
                    on[form] += kernels[place, weight] * forms[scale, form, weight]
            explained[0] = on[0] ** 2
            explained[1] = on[1] ** 2 + on[2] ** 2
            explained[2] = (on[3] + on[5]) ** 2
            for step in range(turned.shape[1]):
                along = turned[0, step] * on[3] + turned[1, step] * on[4] + turned[2, step] * on[5]
                explained[3 + step] = along**2
            for fit in range(len(explained)):
                share = explained[fit] / lengths[scale, fit]
                if share > best[place]:
                    best[place] = share
                    found[place, 0], found[place, 1] = min(fit, 2), scale
                    found[place, 2] = np.nan
                    if fit == 1:
                        found[place, 2] = np.arctan2(on[2], on[1])
                    elif fit > 2:
                        found[place, 2] = np.pi * (fit - 3) / turned.shape[1]
    return found, best


def profiles(side: int, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A Gaussian of this standard deviation and its first and second derivatives, integrated over
    each of ``side`` pixels about 0; the first with the sign of a kernel that takes the derivative
    by cross-correlation, positive to the right."""
    borders = (np.arange(side + 1) - side / 2) / scale
    density = np.exp(-(borders**2) / 2)
    return np.diff(ndtr(borders)), -np.diff(density), -np.diff(borders * density)
