"""One step of the upwind level set equation, written as convolutions and ReLUs.

u > 0 inside, u = 0 is the contour. With fixed finite-difference stencils a step is a level set
solver's, in 2-D or 3-D and for any spacing (:mod:`upwind.levelset.equation.solver`); with learned
stencils, in 2-D and pixel units (h = 1), it is a layer of the level set network (LSN).

    u_t = F |grad u|  +  v . grad u  +  c kappa |grad u|

F is the speed (balloon term), v the transport velocity, c >= 0 the weight of the curvature. The
upwind choice between one-sided differences is made by ReLU: Osher and Sethian (1988), in the sum
form; the paper's section IV.

Axes are x, y, z from the last dimension of an array to the first: x runs along columns, y along
rows. This module is the plain definition, differentiable by autograd on any device.
:mod:`upwind.levelset.equation.fused` computes the same on CPU in 2-D, faster, and
:mod:`upwind.levelset.equation.fused_volume` in 3-D.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from upwind.levelset.equation.limits import CURVATURE_FLOOR, GRADIENT_FLOOR
from upwind.levelset.equation.limits import stable_time_step as stable_time_step
from upwind.levelset.equation.roots import square_root

# Rows of the stencil tensor in 2-D; see `finite_differences` for d dimensions.
X_BACKWARD, X_FORWARD, Y_BACKWARD, Y_FORWARD, X, Y, XX, YY, XY = range(9)
STENCIL_NAMES = ("D-x", "D+x", "D-y", "D+y", "Dx", "Dy", "Dxx", "Dyy", "Dxy")
UPWIND = slice(X_BACKWARD, Y_FORWARD + 1)  # one-sided differences: balloon and transport terms
CENTRAL = slice(X, XY + 1)  # central differences: curvature term


class Fields(NamedTuple):
    """What moves the contour in 2-D, each (n, h, w). Constant in time: evaluated once per image."""

    speed: torch.Tensor  # F, pixels per unit time; positive grows
    velocity_x: torch.Tensor  # v along columns
    velocity_y: torch.Tensor  # v along rows
    curvature: torch.Tensor  # c >= 0


class Fields3D(NamedTuple):
    """What moves the contour in 3-D, each (n, d, h, w)."""

    speed: torch.Tensor
    velocity_x: torch.Tensor
    velocity_y: torch.Tensor
    velocity_z: torch.Tensor
    curvature: torch.Tensor


AnyFields = Fields | Fields3D
Step = Callable[[torch.Tensor, AnyFields, torch.Tensor, float], torch.Tensor]

_CONVOLUTIONS = {2: functional.conv2d, 3: functional.conv3d}
# Difference coefficients at -1, 0 and 1 for h = 1.
_BACKWARD, _FORWARD, _CENTRAL, _SECOND = (-1, 1, 0), (0, -1, 1), (-0.5, 0, 0.5), (1, -2, 1)


def finite_differences(
    dtype: torch.dtype = torch.float32, spacing: Sequence[float] = (1.0, 1.0)
) -> torch.Tensor:
    """The difference stencils (k, 3, ..., 3), as cross-correlation kernels, for ``spacing`` (h_x,
    h_y[, h_z]); k is 9 in 2-D and 15 in 3-D.

    In d dimensions: 2 d one-sided ones (D-x, D+x, D-y, ...), d central ones (Dx, Dy, ...), d second
    ones (Dxx, Dyy, ...), and a mixed one for each pair of axes (Dxy[, Dxz, Dyz]).
    """
    axes = range(len(spacing))
    one_sided = [_stencil({axis: c}, spacing) for axis in axes for c in (_BACKWARD, _FORWARD)]
    central = [_stencil({axis: _CENTRAL}, spacing) for axis in axes]
    # A second difference divides by h twice.
    second = [_stencil({axis: _SECOND}, spacing) / spacing[axis] for axis in axes]
    mixed = [
        _stencil({a: _CENTRAL, b: _CENTRAL}, spacing) for a, b in itertools.combinations(axes, 2)
    ]
    return torch.stack([*one_sided, *central, *second, *mixed]).to(dtype)


def _stencil(
    coefficients: dict[int, tuple[float, float, float]], spacing: Sequence[float]
) -> torch.Tensor:
    """The outer product of one axis' coefficients each, the identity along the others."""
    stencil = torch.ones((), dtype=torch.float64)
    for axis in reversed(range(len(spacing))):  # the first array dimension is the last axis
        along = torch.tensor(coefficients.get(axis, (0, 1, 0)), dtype=torch.float64)
        along = along / spacing[axis] if axis in coefficients else along
        stencil = stencil[..., None] * along
    return stencil


def stability_limit(fields: AnyFields, spacing: Sequence[float]) -> float:
    """Largest stable time step for these fields; see :func:`stable_time_step`."""
    velocity = torch.zeros_like(fields.speed)
    for v, h in zip(fields[1:-1], spacing, strict=True):
        velocity = velocity + v.abs() / h
    speed, curvature = float(fields.speed.abs().max()), float(fields.curvature.max())
    return stable_time_step(speed, float(velocity.max()), curvature, spacing)


def step(u: torch.Tensor, fields: AnyFields, stencils: torch.Tensor, dt: float) -> torch.Tensor:
    """u (n, h, w) after one forward Euler step ``dt``; ``stencils`` (9, 3, 3). In 3-D, u
    (n, d, h, w) and ``stencils`` (15, 3, 3, 3)."""
    axes = u.ndim - 1
    padded = functional.pad(u[:, None], (1, 1) * axes, mode="replicate")
    d = _CONVOLUTIONS[axes](padded, stencils[:, None]).unbind(1)
    one_sided = [(d[2 * axis], d[2 * axis + 1]) for axis in range(axes)]
    relu = functional.relu
    growth, shrinkage = _upwind_gradients(one_sided)
    growing = relu(fields.speed)
    # F - relu(F) is -relu(-F), but for its derivative at 0: the one of F < 0 in place of none.
    rate = growing * growth + (fields.speed - growing) * shrinkage
    rate = rate + _transport(one_sided, fields[1:-1])
    central, second = d[2 * axes : 3 * axes], d[3 * axes : 4 * axes]
    return u + dt * (rate + fields.curvature * _bending(central, second, d[4 * axes :]))


def evolve(
    u: torch.Tensor,
    fields: AnyFields,
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
    kept_steps: int | None = None,
) -> torch.Tensor:
    """The same as :func:`evolve`; the backward pass computes each chunk of about sqrt(steps) steps
    again instead of keeping it, so memory grows with sqrt(steps): autograd keeps some 35 images a
    step, 38 GB for 224 steps of 20 slices of 256 x 256 pixels.

    With ``kept_steps`` it keeps that many steps at most, and one image for each time that the steps
    have to be halved until they are as few; they are computed again as often."""
    given = fields, stencils, dt
    if kept_steps is not None:
        return _evolve_by_halves(u, *given, steps, one_step, max(1, kept_steps))
    chunk = math.isqrt(max(steps - 1, 0)) + 1
    for start in range(0, steps, chunk):
        count = min(chunk, steps - start)
        u = checkpoint(evolve, u, *given, count, one_step, use_reentrant=False)
    return u


def _evolve_by_halves(
    u: torch.Tensor,
    fields: Fields,
    stencils: torch.Tensor,
    dt: float,
    steps: int,
    one_step: Step,
    kept_steps: int,
) -> torch.Tensor:
    given = fields, stencils, dt
    if steps <= kept_steps:
        return evolve(u, *given, steps, one_step)
    for count in (steps // 2, steps - steps // 2):
        u = checkpoint(
            _evolve_by_halves, u, *given, count, one_step, kept_steps, use_reentrant=False
        )
    return u


def signed_distance_to_disc(
    size: int, centre: tuple[float, float], radius: float, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """(size, size): signed distance in pixels to a disc, positive inside. ``centre`` (row, column)
    and ``radius`` in pixels, pixel centres at integers."""
    axis = torch.arange(size, dtype=dtype)
    rows, columns = axis[:, None] - centre[0], axis[None, :] - centre[1]
    return radius - square_root(rows**2 + columns**2)


Pairs = Sequence[tuple[torch.Tensor, torch.Tensor]]


def _upwind_gradients(one_sided: Pairs) -> tuple[torch.Tensor, torch.Tensor]:
    """|grad u| for growth and for shrinkage from backward and forward differences, axis by axis."""
    relu = functional.relu
    growth = shrinkage = torch.full_like(one_sided[0][0], GRADIENT_FLOOR)
    for backward, forward in one_sided:
        growth = growth + relu(forward) ** 2 + relu(-backward) ** 2
        shrinkage = shrinkage + relu(-forward) ** 2 + relu(backward) ** 2
    return square_root(growth), square_root(shrinkage)


def _transport(one_sided: Pairs, velocity: Sequence[torch.Tensor]) -> torch.Tensor:
    """v . grad u, upwind."""
    total = torch.zeros_like(one_sided[0][0])
    for (backward, forward), v in zip(one_sided, velocity, strict=True):
        onward = functional.relu(v)
        total = total + onward * forward + (v - onward) * backward
    return total


def _bending(
    central: Sequence[torch.Tensor],
    second: Sequence[torch.Tensor],
    mixed: Sequence[torch.Tensor],
) -> torch.Tensor:
    """kappa |grad u| by central differences: a sum over pairs of axes, in 3-D twice the mean
    curvature."""
    total = squares = torch.zeros_like(central[0])
    for (a, b), ab in zip(itertools.combinations(range(len(central)), 2), mixed, strict=True):
        x, y = central[a], central[b]
        total = total + (second[a] * y**2 - 2 * x * y * ab + second[b] * x**2)
    for x in central:
        squares = squares + x**2
    return total / (squares + CURVATURE_FLOOR)
