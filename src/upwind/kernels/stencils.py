"""Hand-crafted 3x3 kernels that Figure 2 lays over the learned ones.

Values and scaling are those of the authors' public code (github.com/jonasactor/livermask, 2018 to
2020); rows run down, columns to the right, and kernels act by cross-correlation.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

# Columns of tables: a kernel's weights, row-major.
WEIGHTS = [f"w{place}" for place in range(9)]


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
