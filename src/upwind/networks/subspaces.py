"""Subspaces of the 3x3 kernels, spanned by finite differences, and random ones beside them.

A kernel's moments say which derivatives it takes (:mod:`upwind.kernels.moments`). The subspaces
here are those of kernels that take the derivatives of some orders and nothing else:

- ``first_order``: the central differences Dx and Dy, two dimensions;
- ``differences``: those and the second differences Dxx, Dyy and Dxy, five dimensions. The one-sided
  differences lie in it, since D-x = Dx - Dxx / 2: it is the span of all nine stencils of the level
  set equation (:func:`upwind.levelset.equation.scheme.finite_differences`);
- ``differences_with_mean``: the mean kernel beside those, six dimensions;
- ``mean_zero``: all kernels whose sum is 0, the paper's condition for a difference, eight
  dimensions. Those that are not in ``differences`` take mixed derivatives of third and fourth
  order, too: Sobel's kernel is one of them, because it smooths along the edge.

What a subspace of five or eight dimensions costs can be the number of its dimensions, or the mean
kernel that is not in it. So there are random ones of as many (``random_5``, ``random_8``), those
that hold the mean kernel (``_with_mean``), and one that holds no mean at all
(``random_5_mean_zero``).
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


# Dimensions of random subspaces, and whether the mean kernel is in them (None: as it falls).
_RANDOM: Mapping[str, tuple[int, bool | None]] = MappingProxyType(
    {
        "random_5": (5, None),
        "random_5_with_mean": (5, True),
        "random_5_mean_zero": (5, False),
        "random_8": (8, None),
        "random_8_with_mean": (8, True),
    }
)


def span_of(name: str, number: int = 0) -> np.ndarray:
    """Orthonormal basis (dimensions, 3, 3) of a subspace: one of :data:`SPANS`,
    ``differences_with_mean``, or a random one by its ``number``, uniformly distributed among
    those of its kind. Raises KeyError for a name that is not known."""
    if name == "differences_with_mean":
        return _basis(np.outer(_MEAN, _MEAN), *SPANS["differences"])
    if name not in _RANDOM:
        return SPANS[name]
    dimensions, mean = _RANDOM[name]
    drawn = np.random.default_rng(number).normal(size=(9, dimensions))
    average = np.full(9, 1 / 3)
    if mean is not None:
        drawn -= np.outer(average, average @ drawn)
    if mean:
        drawn[:, 0] = average
    basis, triangle = np.linalg.qr(drawn)
    return _basis(*(basis * np.sign(np.diag(triangle))).T.reshape(-1, 3, 3))


def project(kernels: np.ndarray, span: str) -> np.ndarray:
    """Kernels (..., 3, 3) at right angles onto a subspace: the nearest kernels that lie in it."""
    basis = SPANS[span].reshape(-1, 9)
    flat = np.asarray(kernels, dtype=float).reshape(-1, 9)
    return (flat @ basis.T @ basis).reshape(np.shape(kernels))
