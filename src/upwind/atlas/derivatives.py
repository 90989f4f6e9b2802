"""Which derivative a 3x3 kernel takes most of, in numbers and in words.

The moment matrix (:mod:`upwind.kernels.moments`) says which derivatives a kernel takes, but its
entries are not shares of anything: its basis is not orthogonal. Here the same nine numbers are
written in an orthonormal basis, products of the polynomials 1, k and 3 k^2 - 2 along rows and
columns, in which the squares add up to the kernel's energy. The product of the i-th and the j-th
answers to derivatives of order i + j and above only.
"""

from dataclasses import dataclass

import numpy as np

from upwind.kernels.moments import moments

# From moments to coefficients: rows give 1 / sqrt(3), k / sqrt(2) and (3 k^2 - 2) / sqrt(6) from
# the moments' own 1, k and k^2 / 2.
_ORTHONORMAL = np.array(
    [
        [1 / np.sqrt(3), 0, 0],
        [0, 1 / np.sqrt(2), 0],
        [-2 / np.sqrt(6), 0, np.sqrt(6)],
    ]
)
_ORDER = np.add.outer(np.arange(3), np.arange(3))
ORDERS = 5  # 0 to 4
# Below this share of the energy no order rules, and the words say so.
_RULES = 0.5
# Eigenvalues of a second derivative that are more alike than this count as equally large.
_ALIKE = 0.5
# Eighths of a turn from 'left to right', clockwise as rows run down.
_TOWARDS = (
    "left to right",
    "top left to bottom right",
    "top to bottom",
    "top right to bottom left",
    "right to left",
    "bottom right to top left",
    "bottom to top",
    "bottom left to top right",
)
_ALONG = ("left–right", "top left–bottom right", "top–bottom", "top right–bottom left")


@dataclass(frozen=True)
class Derivative:
    """What a kernel takes most of.

    Attributes:
        order: of the derivative, 0 to 4.
        share: of the kernel's energy in derivatives of that order.
        kind: its name, 'mixed, mostly' before it where no order has half of the energy.
        direction: in the picture, or empty.
        shows: what it shows in a picture.
    """

    order: int
    share: float
    kind: str
    direction: str
    shows: str

    @property
    def words(self) -> str:
        """Kind and direction."""
        return ", ".join(filter(None, (self.kind, self.direction)))


def coefficients(kernels: np.ndarray) -> np.ndarray:
    """Kernels (..., 3, 3) in the orthonormal basis, (..., 3, 3): the squares of a kernel's add up
    to its energy, the sum of its squared weights."""
    return _ORTHONORMAL @ moments(kernels) @ _ORTHONORMAL.T


def energy_by_order(kernels: np.ndarray) -> np.ndarray:
    """Energy of kernels (..., 3, 3) in derivatives of order 0 to 4, (..., 5); they add up to the
    sums of squared weights."""
    squares = coefficients(kernels) ** 2
    return np.stack([squares[..., _ORDER == order].sum(axis=-1) for order in range(ORDERS)], -1)


def nearest_derivative(kernel: np.ndarray) -> Derivative:
    """What a kernel (3, 3), which acts by cross-correlation, takes most of: the order with the
    largest share of its energy, and in that order the direction. A kernel of zeros is an average
    with a share of 0."""
    energy = energy_by_order(kernel)
    total = float(energy.sum())
    if total == 0:
        return Derivative(0, 0.0, "nothing", "", "Gives zero everywhere.")
    order = int(np.argmax(energy))
    share = float(energy[order]) / total
    c = coefficients(kernel)
    kind, direction, shows = (_average, _first, _second, _third, _fourth)[order](c)
    kind = kind if share >= _RULES else f"mixed, mostly {kind}"
    return Derivative(order, share, kind, direction, shows)


def _average(c: np.ndarray) -> tuple[str, str, str]:
    if c[0, 0] > 0:
        return "average", "", "Blurs: bright where the neighbourhood is bright."
    return "average, inverted", "", "Blurs and inverts: bright where the neighbourhood is dark."


def _first(c: np.ndarray) -> tuple[str, str, str]:
    eighth = round(float(np.arctan2(c[1, 0], c[0, 1])) / (np.pi / 4)) % 8
    towards = _TOWARDS[eighth]
    shows = f"Shows edges: positive where the picture brightens from {towards}."
    return "first derivative", towards, shows


def _second(c: np.ndarray) -> tuple[str, str, str]:
    # Weights of u_xx, u_xy and u_yy that the second-order part alone has, as a symmetric matrix.
    hessian = np.array([[c[0, 2] / np.sqrt(2), c[1, 1]], [c[1, 1], c[2, 0] / np.sqrt(2)]])
    values, vectors = np.linalg.eigh(hessian)
    large = int(np.argmax(np.abs(values)))
    ratio = values[1 - large] / values[large]
    dark, bright = ("dark", "bright") if values[large] > 0 else ("bright", "dark")
    if ratio > _ALIKE:
        shows = f"Shows spots: positive on small {dark} ones, negative on {bright} ones."
        return "second derivative (Laplacian-like)", "", shows
    quarter = round(float(np.arctan2(vectors[1, large], vectors[0, large])) / (np.pi / 4)) % 4
    along, across = _ALONG[quarter], _ALONG[(quarter + 2) % 4]
    if ratio < -_ALIKE:
        shows = (
            f"Shows thin lines: positive on {dark} ones across the direction {along}, and on "
            f"{bright} ones across {across}."
        )
        return "second derivative (saddle)", f"{along} against {across}", shows
    shows = (
        f"Shows thin lines across this direction: positive on {dark} ones, negative on {bright} "
        "ones."
    )
    return "second derivative", along, shows


def _third(c: np.ndarray) -> tuple[str, str, str]:
    return "third derivative", "", "Shows fine texture: how curvature changes between pixels."


def _fourth(c: np.ndarray) -> tuple[str, str, str]:
    return "fourth derivative", "", "Shows the finest texture: a chequerboard of single pixels."
