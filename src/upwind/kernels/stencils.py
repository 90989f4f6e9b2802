"""Hand-crafted kernels that Figure 2 lays over the learned ones, and their like of other sizes.

Values and scaling are those of the authors' public code (github.com/jonasactor/livermask, 2018 to
2020); rows run down, columns to the right, and kernels act by cross-correlation.
"""

from collections.abc import Mapping
from functools import cache, reduce
from types import MappingProxyType

import numpy as np

from upwind.kernels.sizes import FIGURE2, Size, weight_columns

# Columns of tables: a 3x3 kernel's weights, row-major.
WEIGHTS = weight_columns(FIGURE2)


def _stencil(rows: list[list[float]], divisor: float) -> np.ndarray:
    stencil = np.array(rows, dtype=float) / divisor
    stencil.setflags(write=False)
    return stencil


# The six of Figure 2, in the order of its legend: (3, 3) arrays by name.
STENCILS: Mapping[str, np.ndarray] = MappingProxyType(
    {
        "mean": _stencil([[1, 1, 1], [1, 1, 1], [1, 1, 1]], 9),
        "gaussian": _stencil([[1, 2, 1], [2, 4, 2], [1, 2, 1]], 16),
        "laplacian": _stencil([[0, 1, 0], [1, -4, 1], [0, 1, 0]], 8),
        "edge_right": _stencil([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], 8),  # Sobel
        "identity": _stencil([[0, 0, 0], [0, 1, 0], [0, 0, 0]], 1),
        "sharpen": _stencil([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], 9),
    }
)
# What a kernel's nearest stencil may be: one of these, in the order of Figure 2's legend, or none.
INDETERMINATE = "indeterminate"
NEAREST = (*STENCILS, INDETERMINATE)


@cache
def stencils_of(size: Size) -> Mapping[str, np.ndarray]:
    """The six of a size: of 3x3 those of Figure 2, of others by the rules that these follow."""
    return STENCILS if size == FIGURE2 else by_rules(size)


def by_rules(size: Size) -> Mapping[str, np.ndarray]:
    """The six by rules that give those of Figure 2 for 3x3: binomial weights for the Gaussian and
    for the smoothing across and along an edge (Sobel's 5x5 kernel, say), the Laplacian of the
    highest order of accuracy that the size allows (Fornberg 1988), that taken from the identity to
    sharpen; each divided by the sum of its magnitudes. An edge in three dimensions is one along the
    last axis: spectra do not tell axes apart."""
    axes, side = len(size), size[0]
    smooth = _binomial(side - 1)
    along = np.convolve(_binomial(side - 3), [-1, 0, 1])
    here = np.eye(side)[side // 2]
    second = _second_difference(side)
    identity = _product([here] * axes)
    laplacian = sum(
        _product([second if axis == other else here for other in range(axes)])
        for axis in range(axes)
    )
    found = {
        "mean": np.ones(size),
        "gaussian": _product([smooth] * axes),
        "laplacian": laplacian,
        "edge_right": _product([*[smooth] * (axes - 1), along]),
        "identity": identity,
        "sharpen": identity - laplacian,
    }
    scaled = {name: kernel / np.abs(kernel).sum() for name, kernel in found.items()}
    for kernel in scaled.values():
        kernel.setflags(write=False)
    return MappingProxyType(scaled)


def _binomial(order: int) -> np.ndarray:
    return reduce(np.convolve, [[1.0, 1.0]] * order, np.ones(1))


def _second_difference(side: int) -> np.ndarray:
    """Weights of the central second difference on so many places, exact for polynomials of a
    degree below ``side``."""
    places = np.arange(side) - side // 2
    derivative = np.zeros(side)
    derivative[2] = 2.0
    return np.linalg.solve(np.vander(places, increasing=True).T.astype(float), derivative)


def _product(factors: list[np.ndarray]) -> np.ndarray:
    """Their outer product."""
    return reduce(np.multiply.outer, factors)
