"""One step of the upwind level set equation, written as convolutions and ReLUs.

u > 0 inside, u = 0 is the contour, pixel units (h = 1). With fixed finite-difference stencils a
step is a level set solver's; with learned stencils it is a layer of the level set network (LSN).

    u_t = F |grad u|  +  v . grad u  +  c kappa |grad u|

F is the speed (balloon term), v the transport velocity, c >= 0 the weight of the curvature. The
upwind choice between one-sided differences is made by ReLU: Osher and Sethian (1988), in the sum
form; the paper's section IV.

This module is the plain definition, differentiable by autograd on any device.
:mod:`upwind.levelset.fused` computes the same on CPU, faster.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

# Rows of the stencil tensor. x runs along columns, y along rows.
X_BACKWARD, X_FORWARD, Y_BACKWARD, Y_FORWARD, X, Y, XX, YY, XY = range(9)
STENCIL_NAMES = ("D-x", "D+x", "D-y", "D+y", "Dx", "Dy", "Dxx", "Dyy", "Dxy")
UPWIND = slice(X_BACKWARD, Y_FORWARD + 1)  # one-sided differences: balloon and transport terms
CENTRAL = slice(X, XY + 1)  # central differences: curvature term

# Keeps the square root's slope finite where u is flat; its root is below float32 noise in u.
GRADIENT_FLOOR = 1e-12
# Curvature is regularised where u is nearly flat (kinks on the medial axis), where it is not
# defined; 0.1 % of |grad u|^2 = 1 on a signed distance.
CURVATURE_FLOOR = 1e-3


class Fields(NamedTuple):
    """What moves the contour, each (n, h, w). Constant in time: evaluated once per image."""

    speed: torch.Tensor  # F, pixels per unit time; positive grows
    velocity_x: torch.Tensor  # v along columns
    velocity_y: torch.Tensor  # v along rows
    curvature: torch.Tensor  # c >= 0


Step = Callable[[torch.Tensor, Fields, torch.Tensor, float], torch.Tensor]


def finite_differences(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """The nine difference stencils (9, 3, 3), as cross-correlation kernels in row-major order."""
    x_backward = [[0, 0, 0], [-1, 1, 0], [0, 0, 0]]
    x_forward = [[0, 0, 0], [0, -1, 1], [0, 0, 0]]
    x_central = [[0, 0, 0], [-0.5, 0, 0.5], [0, 0, 0]]
    xx = [[0, 0, 0], [1, -2, 1], [0, 0, 0]]
    xy = [[0.25, 0, -0.25], [0, 0, 0], [-0.25, 0, 0.25]]
    along_x = [torch.tensor(s, dtype=dtype) for s in (x_backward, x_forward, x_central, xx)]
    backward, forward, central, second = along_x
    return torch.stack(
        [
            backward,
            forward,
            backward.T,
            forward.T,
            central,
            central.T,
            second,
            second.T,
            torch.tensor(xy, dtype=dtype),
        ]
    )


def step(u: torch.Tensor, fields: Fields, stencils: torch.Tensor, dt: float) -> torch.Tensor:
    """u (n, h, w) after one forward Euler step ``dt``; ``stencils`` (9, 3, 3)."""
    padded = functional.pad(u[:, None], (1, 1, 1, 1), mode="replicate")
    d = functional.conv2d(padded, stencils[:, None]).unbind(1)
    relu = functional.relu
    growth, shrinkage = _upwind_gradients(d)
    balloon = relu(fields.speed) * growth - relu(-fields.speed) * shrinkage
    transport = (
        relu(fields.velocity_x) * d[X_FORWARD]
        - relu(-fields.velocity_x) * d[X_BACKWARD]
        + relu(fields.velocity_y) * d[Y_FORWARD]
        - relu(-fields.velocity_y) * d[Y_BACKWARD]
    )
    bending = (d[XX] * d[Y] ** 2 - 2 * d[X] * d[Y] * d[XY] + d[YY] * d[X] ** 2) / (
        d[X] ** 2 + d[Y] ** 2 + CURVATURE_FLOOR
    )
    return u + dt * (balloon + transport + fields.curvature * bending)


def evolve(
    u: torch.Tensor,
    fields: Fields,
    stencils: torch.Tensor,
    dt: float,
    steps: int,
    one_step: Step = step,
) -> torch.Tensor:
    """u (n, h, w) after ``steps`` steps of :func:`step`, or of a compiled form of it."""
    for _ in range(steps):
        u = one_step(u, fields, stencils, dt)
    return u


def evolve_in_chunks(
    u: torch.Tensor,
    fields: Fields,
    stencils: torch.Tensor,
    dt: float,
    steps: int,
    one_step: Step = step,
) -> torch.Tensor:
    """The same as :func:`evolve`; the backward pass computes each chunk of about sqrt(steps) steps
    again instead of keeping it, so memory grows with sqrt(steps): autograd keeps some 35 images a
    step, 38 GB for 224 steps of 20 slices of 256 x 256 pixels."""
    chunk = math.isqrt(max(steps - 1, 0)) + 1
    for start in range(0, steps, chunk):
        count = min(chunk, steps - start)
        u = checkpoint(evolve, u, fields, stencils, dt, count, one_step, use_reentrant=False)
    return u


def stable_time_step(max_speed: float, max_velocity: float, max_curvature: float) -> float:
    """Largest stable ``dt`` of the scheme with finite differences, in 2-D with h = 1:
    dt (2 max|F| + max(|v_x| + |v_y|) + 4 max c) <= 1.

    Up to this limit the balloon and transport terms are monotone; up to four one-sided differences
    are active at an extremum, hence the 2 = sqrt(4) of the speed. Curvature by central differences
    is not monotone at any ``dt``; its share is the limit of the heat equation.
    """
    rate = 2 * max_speed + max_velocity + 4 * max_curvature
    return 1 / rate if rate > 0 else float("inf")


def signed_distance_to_disc(
    size: int, centre: tuple[float, float], radius: float, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """(size, size): signed distance in pixels to a disc, positive inside. ``centre`` (row, column)
    and ``radius`` in pixels, pixel centres at integers."""
    axis = torch.arange(size, dtype=dtype)
    rows, columns = axis[:, None] - centre[0], axis[None, :] - centre[1]
    return radius - torch.sqrt(rows**2 + columns**2)


def _upwind_gradients(d: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    relu = functional.relu
    growth = shrinkage = GRADIENT_FLOOR
    for backward, forward in ((X_BACKWARD, X_FORWARD), (Y_BACKWARD, Y_FORWARD)):
        growth = growth + relu(d[forward]) ** 2 + relu(-d[backward]) ** 2
        shrinkage = shrinkage + relu(-d[forward]) ** 2 + relu(d[backward]) ** 2
    return torch.sqrt(growth), torch.sqrt(shrinkage)
