"""The scheme against exact solutions, on finer and finer grids.

Every experiment lives in a box of width 1, so an error is a share of the box's width. The observed
order of two grids is log(error / error) / log(h / h).
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from upwind.levelset.equation import solver
from upwind.levelset.equation.roots import square_root

#: Columns of :func:`measure`, with what they hold.
COLUMNS = {
    "experiment": "what moves",
    "dimensions": "2 or 3",
    "size": "voxels along the box's width",
    "h": "spacing, share of the box's width",
    "error": "mean error near the contour, share of the box's width (arrival: of the time)",
    "order": "observed order from the next coarser grid to this one; empty for the coarsest",
    "expected_order": "of the scheme in h, by theory",
}
# Upwind differences are of first order, forward Euler too, with dt ~ h. Central differences are of
# second order, and dt ~ h^2 where curvature limits it.
_EXPECTED = {
    "expanding": 1,
    "shrinking": 1,
    "curvature": 2,
    "curvature_distance": 2,
    "transport": 1,
    "arrival": 1,
}
_NEAR = 0.05  # of the box's width: how near the contour counts
# Radii. The box's border replicates u, which bends level sets near it: curvature flow stays away.
_START = {"expanding": 0.2, "shrinking": 0.35, "curvature": 0.25, "transport": 0.2}
_TIME = 0.12  # at unit speed: 12 % of the box's width
# The equation does not change when u is multiplied by a constant, but the curvature's floor under
# |grad u|^2 counts for less then: 1e-7 of it at a hundred times the distance, which shows order 2,
# and 0.1 % on the distance itself, the LSN's scale, where the floor's error is what is left.
_STEEP = {"curvature": 100.0, "curvature_distance": 1.0}
_VELOCITY = (0.6, -0.4, 0.3)


class Experiment(NamedTuple):
    """``run(size)``: (mean error, h). ``sizes``: from coarse to fine."""

    name: str
    dimensions: int
    sizes: tuple[int, ...]
    run: Callable[[int], float]


def measure(experiments: list[Experiment] | None = None) -> pd.DataFrame:
    """Errors and observed orders: a row for each experiment and grid, columns :data:`COLUMNS`."""
    rows = []
    for experiment in experiments or EXPERIMENTS:
        before: tuple[int, float] | None = None
        for size in experiment.sizes:
            error = experiment.run(size)
            order = None if before is None else math.log(before[1] / error, size / before[0])
            expected = _EXPECTED[experiment.name]
            row = (experiment.name, experiment.dimensions, size, 1 / size, error, order, expected)
            rows.append(dict(zip(COLUMNS, row, strict=True)))
            before = size, error
    return pd.DataFrame(rows)


def grid(size: int, dimensions: int) -> list[torch.Tensor]:
    """Coordinates x, y[, z] of the voxels' centres in the box [-1/2, 1/2], float64."""
    axis = (torch.arange(size, dtype=torch.float64) + 0.5) / size - 0.5
    return list(reversed(torch.meshgrid(*[axis] * dimensions, indexing="ij")))


def distance(
    points: list[torch.Tensor], centre: tuple[float, ...] = (0.0, 0.0, 0.0)
) -> torch.Tensor:
    """Distance of every voxel to ``centre``."""
    squares = torch.zeros_like(points[0])
    for p, c in zip(points, centre, strict=False):
        squares = squares + (p - c) ** 2
    return square_root(squares)


def _error(u: torch.Tensor, exact: torch.Tensor) -> float:
    near = exact.abs() < _NEAR
    return float((u[0] - exact)[near].abs().mean())


def _constant_speed(name: str, speed: float, size: int, dimensions: int) -> float:
    """A sphere under u_t = F |grad u| has r = r0 + F t."""
    start, r = _START[name], distance(grid(size, dimensions))
    u = (start - r)[None]
    fields = solver.constant_fields(u, speed=speed)
    found = solver.solve(u, fields, (1 / size,) * dimensions, _TIME)
    return _error(found, start + speed * _TIME - r)


def _curvature_flow(name: str, size: int, dimensions: int) -> float:
    """A sphere under u_t = kappa |grad u| has r^2 = r0^2 - 2 (d - 1) t, and so has every level
    set of its distance."""
    start, end, r = _START["curvature"], 0.2, distance(grid(size, dimensions))
    steep = _STEEP[name]
    time = (start**2 - end**2) / (2 * (dimensions - 1))
    u = steep * (start - r)[None]
    fields = solver.constant_fields(u, curvature=1.0)
    found = solver.solve(u, fields, (1 / size,) * dimensions, time) / steep
    return _error(found, start - square_root(r**2 + 2 * (dimensions - 1) * time))


def _transport(size: int, dimensions: int) -> float:
    """u_t = v . grad u has u(x, t) = u0(x + v t)."""
    points, velocity = grid(size, dimensions), _VELOCITY[:dimensions]
    start = _START["transport"]
    u = (start - distance(points))[None]
    fields = solver.constant_fields(u, velocity=velocity)
    time = 2 * _TIME
    found = solver.solve(u, fields, (1 / size,) * dimensions, time)
    return _error(found, start - distance(points, tuple(-v * time for v in velocity)))


def _arrival(size: int, dimensions: int) -> float:
    """F |grad T| = 1 from a sphere, with a speed that differs fourfold, against scikit-fmm."""
    import skfmm

    points = grid(size, dimensions)
    speed = 0.4 * 4 ** (0.5 + points[0])
    u = (0.15 - distance(points))[None]
    fields = solver.constant_fields(u)._replace(speed=speed[None])
    dt = 0.9 * solver.stability_limit(fields, (1 / size,) * dimensions)
    steps = math.ceil(0.35 / dt)
    found = solver.arrival_times(u, fields, (1 / size,) * dimensions, dt, steps)[0].numpy()
    exact = skfmm.travel_time(u[0].numpy(), speed.numpy(), dx=1 / size, order=2)
    compared = (u[0].numpy() < 0) & (exact < 0.3) & np.isfinite(found)
    return float(np.abs(found - exact)[compared].mean())


def _both(
    name: str, run: Callable[[int, int], float], sizes: Mapping[int, tuple[int, ...]]
) -> list[Experiment]:
    return [Experiment(name, d, sizes[d], _in_dimensions(run, d)) for d in (2, 3)]


def _in_dimensions(run: Callable[[int, int], float], d: int) -> Callable[[int], float]:
    return lambda size: run(size, d)


_SIZES: Mapping[int, tuple[int, ...]] = {2: (32, 64, 128, 256), 3: (12, 24, 48)}
# The number of steps grows with the square of the size.
_CURVATURE_SIZES: Mapping[int, tuple[int, ...]] = {2: (24, 48, 96), 3: (16, 32, 48)}
EXPERIMENTS = [
    *_both("expanding", lambda n, d: _constant_speed("expanding", 1.0, n, d), _SIZES),
    *_both("shrinking", lambda n, d: _constant_speed("shrinking", -1.0, n, d), _SIZES),
    *_both("curvature", lambda n, d: _curvature_flow("curvature", n, d), _CURVATURE_SIZES),
    *_both(
        "curvature_distance",
        lambda n, d: _curvature_flow("curvature_distance", n, d),
        _CURVATURE_SIZES,
    ),
    *_both("transport", _transport, _SIZES),
    *_both("arrival", _arrival, _SIZES),
]
