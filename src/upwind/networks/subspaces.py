"""Subspaces of the 3x3 kernels, spanned by finite differences.

A kernel's moments say which derivatives it takes (:mod:`upwind.kernels.moments`). The subspaces
here are those of kernels that take the derivatives of some orders and nothing else:

- ``first_order``: the central differences Dx and Dy, two dimensions;
- ``differences``: those and the second differences Dxx, Dyy and Dxy, five dimensions. The one-sided
  differences lie in it, since D-x = Dx - Dxx / 2: it is the span of all nine stencils of the level
  set equation (:func:`upwind.levelset.equation.scheme.finite_differences`);
- ``mean_zero``: all kernels whose sum is 0, the paper's condition for a difference, eight
  dimensions. Those that are not in ``differences`` take mixed derivatives of third and fourth
  order, too: Sobel's kernel is one of them, because it smooths along the edge.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

# Orthonormal along one axis: mean, central and second difference, the discrete Legendre (Gram)
# polynomials of degree 0, 1 and 2 on {-1, 0, 1}.
_MEAN = np.array([1.0, 1.0, 1.0]) / np.sqrt(3)
_CENTRAL = np.array([-1.0, 0.0, 1.0]) / np.sqrt(2)
_SECOND = np.array([1.0, -2.0, 1.0]) / np.sqrt(6)
POLYNOMIALS = np.array([_MEAN, _CENTRAL, _SECOND])
_HERE = np.array([0.0, 1.0, 0.0])

_X, _Y = np.outer(_HERE, _CENTRAL), np.outer(_CENTRAL, _HERE)
_XX, _YY = np.outer(_HERE, _SECOND), np.outer(_SECOND, _HERE)
_XY = np.outer(_CENTRAL, _CENTRAL)


def _basis(*kernels: np.ndarray) -> np.ndarray:
    basis = np.array([kernel / np.linalg.norm(kernel) for kernel in kernels])
    basis.setflags(write=False)
    return basis


# Orthonormal bases (dimensions, 3, 3) by name. Dxx and Dyy share the kernel's centre; their sum and
# their difference are at right angles.
SPANS: Mapping[str, np.ndarray] = MappingProxyType(
    {
        "mean_zero": _basis(
            *(
                np.outer(row, column)
                for row in (_MEAN, _CENTRAL, _SECOND)
                for column in (_MEAN, _CENTRAL, _SECOND)
                if row is not _MEAN or column is not _MEAN
            )
        ),
        "differences": _basis(_X, _Y, _XX + _YY, _XX - _YY, _XY),
        "first_order": _basis(_X, _Y),
    }
)


def project(kernels: np.ndarray, span: str) -> np.ndarray:
    """Kernels (..., 3, 3) at right angles onto a subspace: the nearest kernels that lie in it."""
    basis = SPANS[span].reshape(-1, 9)
    flat = np.asarray(kernels, dtype=float).reshape(-1, 9)
    return (flat @ basis.T @ basis).reshape(np.shape(kernels))
