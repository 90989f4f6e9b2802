"""The sizes of kernels that are looked at, and the columns that tables of a size have.

Weights are numbered row by row (in three dimensions plane by plane), moments and shares of energy
by the order of the derivative along each axis and of all together.
"""

import functools
import itertools
from collections.abc import Sequence
from math import factorial, prod

import numpy as np
import pandas as pd

from upwind.networks.subspaces import POLYNOMIALS

Size = tuple[int, ...]

FIGURE2: Size = (3, 3)  # the paper's, and all that its networks have
SIZES: tuple[Size, ...] = (FIGURE2, (5, 5), (7, 7), (3, 3, 3))


def in_words(size: Sequence[int]) -> str:
    """A size, or a shape: 5x5."""
    return "x".join(str(side) for side in size)


def known_sizes() -> str:
    """All of them in words."""
    *most, last = map(in_words, SIZES)
    return f"{', '.join(most)} or {last}"


def weight_columns(size: Size) -> list[str]:
    """Columns of a kernel's weights."""
    return [f"w{place}" for place in range(prod(size))]


def weights_in(table: pd.DataFrame) -> list[str]:
    """Those columns of a table that are weights, in order."""
    return [name for name in map(str, table) if name.startswith("w") and name[1:].isdigit()]


def energies_in(table: pd.DataFrame) -> list[str]:
    """Those that are shares of energy, from order 0."""
    return [name for name in map(str, table) if name.startswith("energy_")]


def middle_plane(weights: np.ndarray) -> np.ndarray:
    """A kernel of which only the weights are known (s, s); of one of three dimensions the plane in
    its middle."""
    flat = np.asarray(weights, dtype=float).ravel()
    size = next(size for size in SIZES if prod(size) == len(flat))
    kernel = flat.reshape(size)
    return kernel if len(size) == 2 else kernel[size[0] // 2]


def moment_columns(size: Size) -> list[str]:
    """Columns of a kernel's moments."""
    return ["m" + "".join(map(str, orders)) for orders in itertools.product(*map(range, size))]


def energy_columns(size: Size) -> list[str]:
    """Columns of the shares of energy by order of derivative."""
    return [f"energy_{order}" for order in range(sum(size) - len(size) + 1)]


def orders_of(size: Size) -> np.ndarray:
    """The order of the derivative that each moment is about, in the form of a kernel."""
    return np.indices(size).sum(axis=0)


@functools.cache
def powers(side: int) -> np.ndarray:
    """k^i / i! for i from 0 to ``side`` - 1 (rows) at the ``side`` places k about 0."""
    places = np.arange(side) - side // 2
    return np.array([places**order / factorial(order) for order in range(side)])


@functools.cache
def polynomials(side: int) -> np.ndarray:
    """The discrete Legendre (Gram) polynomials of degree 0 to ``side`` - 1 (rows) on the ``side``
    places about 0: what Gram and Schmidt make of :func:`powers`, orthonormal, up to sign."""
    return POLYNOMIALS if side == len(POLYNOMIALS) else np.linalg.qr(powers(side).T)[0].T


def along_axes(matrix: np.ndarray, kernels: np.ndarray, axes: int = 2) -> np.ndarray:
    """Kernels (..., s, s), or of three ``axes`` (..., s, s, s), with a matrix (s, s) applied along
    each of these axes."""
    applied = matrix @ kernels @ matrix.T
    return applied if axes == 2 else np.einsum("ai,...ijk->...ajk", matrix, applied)
