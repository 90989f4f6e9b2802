"""Engines: something that moves a contour through a speed image for a number of iterations.

An engine is any function of the form of :class:`Engine`;
:mod:`upwind.levelset.engines.registry` names them all.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Weights:
    """Weights A, B and C, and the form, of
    u_t = A g |grad u| + B grad(G * g) . grad u + C g^c kappa |grad u|.

    The defaults are those of ITK-SNAP's region mode (ITK-SNAP, Logic/LevelSet). Engines choose
    their time step from the fastest point of the contour, so only the ratios of A, B and C matter,
    together with the number of iterations.
    """

    propagation: float = 1.0
    advection: float = 0.0
    curvature: float = 0.2
    #: c: 0, or 1 for a curvature that is multiplied by the speed g.
    curvature_exponent: int = 0
    #: Standard deviation in voxels of the Gaussian G; 0: none, central differences of g itself.
    advection_sigma: float = 0.0

    def __post_init__(self) -> None:
        if self.curvature_exponent not in (0, 1) or self.advection_sigma < 0:
            raise ValueError("the curvature's exponent is 0 or 1, the advection's sigma 0 or more")


class Engine(Protocol):
    """Evolves a level set function; the same input gives the same output, bit for bit."""

    def __call__(
        self, speed: np.ndarray, level_set: np.ndarray, weights: Weights, iterations: int
    ) -> np.ndarray:
        """Move the contour of ``level_set`` (u > 0 inside; a signed distance in voxels, at least
        near the contour) by ``iterations`` time steps through ``speed`` (positive grows), both
        3-D, of the same shape and on an isotropic grid. The result can be passed in again to go
        on from there."""


def refuse_backward_diffusion(speed: np.ndarray, weights: Weights) -> None:
    """Raise ValueError for a speed below 0 that multiplies curvature."""
    if weights.curvature_exponent and speed.min() < 0:
        raise ValueError(
            "curvature times the speed needs a speed of at least 0 everywhere, such as edge_speed"
        )


def has_contour(speed: np.ndarray, level_set: np.ndarray) -> bool:
    """Is there anything for an engine to move? Raises ValueError for different shapes."""
    if speed.shape != level_set.shape:
        raise ValueError(f"speed {speed.shape} and level set {level_set.shape} differ in shape")
    inside = level_set > 0
    return bool(inside.any() and not inside.all())
