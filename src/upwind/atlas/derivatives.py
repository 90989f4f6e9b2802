"""Which finite difference a 3x3 kernel is nearest to, in numbers and in words.

Two different questions. *Nearest*: of all averages and differences of one order, in any direction,
sharp or smoothed across, which is most like the kernel? *Made of*: how is the kernel's energy
divided among orders (:func:`upwind.kernels.content.energies`)? The second needs an orthogonal
basis, and in it a five-point Laplacian is a fifth a second derivative and four fifths a fourth one,
so that it cannot give names.
"""

from dataclasses import dataclass

import numpy as np

from upwind.kernels.content import ORDERS

# Share of the energy below which the words say 'mixed'. Of kernels of random numbers, which reach
# 0.55 on average, one in twenty has more.
_CLEAR = 0.8
# Eigenvalues of a second derivative whose ratio is larger than this count as equally large.
_ALIKE = 0.5
# What a difference in one direction is smoothed with in the other: not at all, as in Sobel's
# kernels, as in Prewitt's.
_SMOOTHINGS = (np.array([0, 1, 0]), np.array([1, 2, 1]) / 4, np.array([1, 1, 1]) / 3)
_SHARP = 0  # the first of them
_FIRST, _SECOND = np.array([-1, 0, 1]) / 2, np.array([1, -2, 1])
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
_Words = tuple[str, str, str]  # kind, direction, what it shows


@dataclass(frozen=True)
class Derivative:
    """The average or difference that a kernel is nearest to.

    Attributes:
        order: of the derivative, 0 to 4.
        share: of the kernel's energy that the difference accounts for: their squared cosine.
        kind: its name, with 'mixed, nearest' before it where that is little.
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


def differences(order: int, smoothing: np.ndarray) -> np.ndarray:
    """The differences (n, 3, 3) of one ``order`` that span all directions, smoothed across with
    ``smoothing`` (3,). Unsmoothed ones have moments of no other order.

    They take, in this order: u; u_x and u_y; u_xx, u_xy and u_yy; u_xxy and u_xyy; u_xxyy (x along
    columns, y along rows).
    """
    s, d1, d2 = smoothing, _FIRST, _SECOND
    # Rows of a product run down: np.outer(down, across).
    pairs = (
        [(s, s)],
        [(s, d1), (d1, s)],
        [(s, d2), (d1, d1), (d2, s)],
        [(d1, d2), (d2, d1)],
        [(d2, d2)],
    )[order]
    return np.stack([np.outer(down, across) for down, across in pairs])


def nearest_derivative(kernel: np.ndarray) -> Derivative:
    """What a kernel (3, 3), which acts by cross-correlation, is nearest to. A kernel of zeros is
    nothing, with a share of 0."""
    kernel = np.asarray(kernel, dtype=float)
    if not kernel.any():
        return Derivative(0, 0.0, "nothing", "", "Gives zero everywhere.")
    fits = [
        (*_fit(kernel, differences(order, smoothing)), order, place)
        for order in ORDERS
        for place, smoothing in enumerate(_SMOOTHINGS)
    ]
    # Rounding must not decide between two that fit as well: the lower order, then the sharper.
    share, weights, order, smoothing = max(fits, key=lambda fit: round(fit[0], 9))
    name = (_average, _first, _second, _third, _fourth)[order]
    kind, direction, shows = name(weights, smoothing == _SHARP)
    kind = kind if share >= _CLEAR else f"mixed, nearest {kind}"
    return Derivative(order, share, kind, direction, shows)


def _fit(kernel: np.ndarray, family: np.ndarray) -> tuple[float, np.ndarray]:
    """Share of the kernel's energy in the span of a family (n, 3, 3), and the weights there."""
    columns = family.reshape(len(family), 9).T
    weights = np.linalg.lstsq(columns, kernel.ravel(), rcond=None)[0]
    return float(((columns @ weights) ** 2).sum() / (kernel**2).sum()), weights


def _average(weights: np.ndarray, sharp: bool) -> _Words:
    kind, shows = ("identity", "Passes") if sharp else ("average", "Blurs")
    if weights[0] > 0:
        return kind, "", f"{shows} the picture{' on' if sharp else ''}."
    return f"{kind}, inverted", "", f"{shows} the picture{' on' if sharp else ''}, inverted."


def _first(weights: np.ndarray, sharp: bool) -> _Words:
    eighth = round(float(np.arctan2(weights[1], weights[0])) / (np.pi / 4)) % 8
    towards = _TOWARDS[eighth]
    shows = f"Shows edges: positive where the picture brightens from {towards}."
    return "first derivative", towards, shows


def _second(weights: np.ndarray, sharp: bool) -> _Words:
    xx, xy, yy = weights
    values, vectors = np.linalg.eigh([[xx, xy / 2], [xy / 2, yy]])
    large = int(np.argmax(np.abs(values)))
    ratio = values[1 - large] / values[large]
    dark, bright = ("dark", "bright") if values[large] > 0 else ("bright", "dark")
    if ratio > _ALIKE:
        shows = f"Shows spots: positive on small {dark} ones, negative on {bright} ones."
        return "second derivative (Laplacian-like)", "", shows
    if ratio < -_ALIKE:
        # Either would do; the positive one stays the same where both are equally strong.
        along, across = (_along(vectors[:, place]) for place in (1, 0))
        shows = (
            f"Shows thin lines: positive on dark ones across the direction {along}, and on bright "
            f"ones across {across}."
        )
        return "second derivative (saddle)", f"{along} against {across}", shows
    shows = (
        f"Shows thin lines across this direction: positive on {dark} ones, negative on {bright} "
        "ones."
    )
    return "second derivative", _along(vectors[:, large]), shows


def _along(vector: np.ndarray) -> str:
    quarter = round(float(np.arctan2(vector[1], vector[0])) / (np.pi / 4)) % 4
    return _ALONG[quarter]


def _third(weights: np.ndarray, sharp: bool) -> _Words:
    return "third derivative", "", "Shows fine texture: how curvature changes between pixels."


def _fourth(weights: np.ndarray, sharp: bool) -> _Words:
    return "fourth derivative", "", "Shows the finest texture: a chequerboard of single pixels."
