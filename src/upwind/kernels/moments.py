"""Moment matrices: which derivatives a 3x3 kernel takes, and how strongly.

Long, Lu, Ma and Dong (PDE-Net, ICML 2018), there after Cai, Dong, Osher and Shen (2012).
"""

import numpy as np

# Columns of tables: a kernel's moments.
MOMENTS = [f"m{i}{j}" for i in range(3) for j in range(3)]
START = "start"  # of training, in the place of a fold

# Rows: 1, k and k^2 / 2 at k = -1, 0, 1.
_POWERS = np.array([[1.0, 1.0, 1.0], [-1.0, 0.0, 1.0], [0.5, 0.0, 0.5]])


def moments(kernels: np.ndarray) -> np.ndarray:
    """Moment matrices (..., 3, 3) of kernels (..., 3, 3) that act by cross-correlation.

    m_ij = 1 / (i! j!) sum over k1, k2 in {-1, 0, 1} of k1^i k2^j q[k1, k2], with k1 along rows and
    k2 along columns: the weight of the derivative d^(i+j) u / dk1^i dk2^j in the Taylor expansion
    of the response. m_00 = 0 is the paper's condition for a difference, the mean of zero. The nine
    numbers are the kernel in another basis: nothing is lost.
    """
    return _POWERS @ np.asarray(kernels, dtype=float) @ _POWERS.T


def kernels_of(matrices: np.ndarray) -> np.ndarray:
    """The kernels (..., 3, 3) with these moment matrices (..., 3, 3)."""
    inverse = np.linalg.inv(_POWERS)
    return inverse @ np.asarray(matrices, dtype=float) @ inverse.T
