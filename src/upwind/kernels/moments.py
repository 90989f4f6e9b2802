"""Moment matrices: which derivatives a kernel takes, and how strongly.

Long, Lu, Ma and Dong (PDE-Net, ICML 2018), there after Cai, Dong, Osher and Shen (2012).
"""

import numpy as np

from upwind.kernels.sizes import FIGURE2, along_axes, moment_columns, powers

# Columns of tables: a 3x3 kernel's moments.
MOMENTS = moment_columns(FIGURE2)
START = "start"  # of training, in the place of a fold


def moments(kernels: np.ndarray, axes: int = 2) -> np.ndarray:
    """Moment matrices (..., s, s) of kernels (..., s, s) that act by cross-correlation; with three
    ``axes`` of kernels (..., s, s, s), and as many moments.

    m_ij = 1 / (i! j!) sum over k1, k2 in {-1, 0, 1} of k1^i k2^j q[k1, k2], with k1 along rows and
    k2 along columns (of larger kernels, places further out): the weight of the derivative
    d^(i+j) u / dk1^i dk2^j in the Taylor expansion of the response. m_00 = 0 is the paper's
    condition for a difference, the mean of zero. The numbers are the kernel in another basis:
    nothing is lost.
    """
    kernels = np.asarray(kernels, dtype=float)
    return along_axes(powers(kernels.shape[-1]), kernels, axes)


def kernels_of(matrices: np.ndarray) -> np.ndarray:
    """The kernels (..., 3, 3) with these moment matrices (..., 3, 3)."""
    inverse = np.linalg.inv(powers(3))
    return inverse @ np.asarray(matrices, dtype=float) @ inverse.T
