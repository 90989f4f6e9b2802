"""The scheme as a level set solver: fixed stencils, 2-D and 3-D, any spacing, any device.

The same :func:`upwind.levelset.equation.scheme.step` that is a layer of the level set network, with
the finite differences in place of learned stencils. Lengths (u, spacing) share one unit, say mm,
and speeds are that unit per unit time.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from upwind.common.errors import UpwindError
from upwind.levelset.equation import scheme
from upwind.levelset.equation.scheme import AnyFields
from upwind.levelset.equation.scheme import stability_limit as stability_limit


def constant_fields(
    like: torch.Tensor,
    speed: float = 0.0,
    velocity: Sequence[float] | None = None,
    curvature: float = 0.0,
) -> AnyFields:
    """Fields of the shape of ``like`` (n, h, w) or (n, d, h, w), the same everywhere; ``velocity``
    (v_x, v_y[, v_z])."""
    axes = like.ndim - 1
    values = (speed, *(velocity or (0.0,) * axes), curvature)
    kind = scheme.Fields if axes == 2 else scheme.Fields3D
    return kind(*(torch.full_like(like, value) for value in values))


def upwind_step(
    u: np.ndarray,
    dt: float,
    *,
    speed: float | np.ndarray = 0.0,
    velocity: Sequence[float | np.ndarray] | None = None,
    curvature: float | np.ndarray = 0.0,
    spacing: Sequence[float] | None = None,
) -> np.ndarray:
    """A level set function after one explicit step of the upwind scheme (Osher and Sethian, 1988)::

        u_t = speed |grad u| + velocity . grad u + curvature kappa |grad u|

    Args:
        u: (rows, columns) or (planes, rows, columns), positive inside the contour u = 0. Its border
            is continued with its own values.
        dt: the time step.
        speed: along the normal, length per time; positive grows. A number, or an array like ``u``.
        velocity: (v_x, v_y) or (v_x, v_y, v_z), numbers or arrays like ``u``; x runs along the
            last axis of ``u``, y along the one before.
        curvature: weight of the curvature, not negative. A number, or an array like ``u``.
        spacing: (h_x, h_y) or (h_x, h_y, h_z), the length of a step along each axis; 1 by default.

    Returns:
        u after the step, float64, of the same shape.

    Raises:
        UpwindError: a ``u`` of another number of axes, a number of velocities or spacings that is
            not that of the axes, or a time step beyond the stability limit, which is named.
    """
    start = torch.from_numpy(np.array(u, dtype=np.float64))[None]
    axes = start.ndim - 1
    sides = (1.0,) * axes if spacing is None else tuple(spacing)
    moved = (0.0,) * axes if velocity is None else tuple(velocity)
    if axes not in (2, 3) or len(sides) != axes or len(moved) != axes:
        raise UpwindError(
            f"u has {axes} axes, with {len(sides)} spacings and {len(moved)} velocities: give 2 of "
            "each, or 3"
        )
    kind = scheme.Fields if axes == 2 else scheme.Fields3D
    fields = kind(*(_like(start, value) for value in (speed, *moved, curvature)))
    return evolve(start, fields, sides, dt, 1)[0].numpy()


def _like(start: torch.Tensor, value: float | np.ndarray) -> torch.Tensor:
    given = torch.as_tensor(np.asarray(value, dtype=np.float64))
    if given.ndim and given.shape != start.shape[1:]:
        raise UpwindError(
            f"a speed, velocity or curvature has shape {tuple(given.shape)} and u "
            f"{tuple(start.shape[1:])}: give a number, or an array like u"
        )
    return given.expand(start.shape)


def evolve(
    u: torch.Tensor, fields: AnyFields, spacing: Sequence[float], dt: float, steps: int
) -> torch.Tensor:
    """u (n, h, w) or (n, d, h, w) after ``steps`` time steps ``dt``; ``spacing`` (h_x, h_y[, h_z]).

    Raises UpwindError for a time step beyond the stability limit, which it names.
    """
    _check(dt, fields, spacing)
    stencils = scheme.finite_differences(u.dtype, spacing).to(u.device)
    return scheme.evolve(u, fields, stencils, dt, steps)


def solve(
    u: torch.Tensor, fields: AnyFields, spacing: Sequence[float], time: float
) -> torch.Tensor:
    """u after ``time``, in as few equal steps as are stable."""
    steps = max(1, math.ceil(time / stability_limit(fields, spacing) - 1e-9))
    return evolve(u, fields, spacing, time / steps, steps)


def arrival_times(
    u: torch.Tensor, fields: AnyFields, spacing: Sequence[float], dt: float, steps: int
) -> torch.Tensor:
    """When u first reaches 0 in each voxel, by linear interpolation between time steps: 0 where the
    contour begins or has been, infinite where it does not come. Shape of u.

    With a positive speed alone this is the eikonal equation's solution, F |grad T| = 1.
    """
    _check(dt, fields, spacing)
    stencils = scheme.finite_differences(u.dtype, spacing).to(u.device)
    times = torch.where(u >= 0, 0.0, torch.inf).to(u.dtype)
    for number in range(steps):
        later = scheme.step(u, fields, stencils, dt)
        arrives = (later >= 0) & torch.isinf(times)
        times = torch.where(arrives, dt * (number + u / (u - later)), times)
        u = later
    return times


def _check(dt: float, fields: AnyFields, spacing: Sequence[float]) -> None:
    limit = stability_limit(fields, spacing)
    # Rounding of the fields must not refuse the limit itself.
    if not 0 < dt <= limit * (1 + 1e-6):
        raise UpwindError(
            f"time step {dt:g} is not in (0, {limit:g}], the stability limit of the level set "
            "scheme for these speeds and this spacing; take shorter steps, and more of them"
        )
