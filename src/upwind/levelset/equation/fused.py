"""The steps of :mod:`upwind.levelset.equation.scheme` fused into one compiled loop on CPU.

Eager tensors spend their time on memory traffic: a step makes some thirty passes over u. Here one
pass computes the nine differences of a row in registers and the step from them. Only u is kept
for each step; the backward pass computes the differences again and applies the adjoint by hand
(see ``benchmarks/training.py`` for the gain). Images are independent, and sums over pixels are
kept per image and added in a fixed order, so results do not depend on the number of threads.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from upwind.common.compiled import jit
from upwind.levelset.equation.limits import CURVATURE_FLOOR, GRADIENT_FLOOR
from upwind.levelset.equation.scheme import Fields

# Without fastmath: a compiler that may reorder sums does it differently when it compiles and when
# what it compiled is loaded again, and the same training then ends in other weights.
_jit = jit()
# Threads are ours (see _by_image): Numba's own keep a core busy while they wait for work.
_free = jit(nogil=True)
# Steps of which nobody needs more than the last are done so many at a time: an image's u then stays
# in the processor's cache from step to step.
_BLOCK = 8
# What every step is given: four fields, stencils (9, 9), and constants.
_Given = tuple[Any, ...]


def evolve(
    u: torch.Tensor,
    fields: Fields,
    stencils: torch.Tensor,
    dt: float,
    steps: int,
    kept_steps: int | None = None,
) -> torch.Tensor:
    """The same as :func:`upwind.levelset.equation.scheme.evolve`, for CPU tensors (float32 or
    float64).

    For the backward pass the u of every step is kept, or that of at most ``kept_steps`` at once:
    then the others are computed again, with the same bits. 224 steps take 3.9 passes forward for 8,
    3.2 for 16 and 2.5 for 32 in place of one; below log2(steps) the time grows with steps squared.

    Raises ValueError unless u and the fields have one shape (n, h, w), the stencils (9, 3, 3), and
    all of them one dtype: compiled loops do not look where they write.
    """
    if any(f.shape != u.shape for f in fields) or u.ndim != 3 or stencils.shape != (9, 3, 3):
        shapes = [tuple(tensor.shape) for tensor in (u, *fields, stencils)]
        raise ValueError(f"u, four fields and stencils do not fit each other in shape: {shapes}")
    if any(tensor.dtype != u.dtype for tensor in (*fields, stencils)):
        dtypes = [tensor.dtype for tensor in (u, *fields, stencils)]
        raise ValueError(f"u, four fields and stencils differ in dtype: {dtypes}")
    if not torch.is_grad_enabled():
        kept_steps = 0  # nobody goes back
    elif kept_steps is None:
        kept_steps = steps
    given = (u, *fields, stencils, dt, steps, kept_steps)
    return _Evolve.apply(*given)  # type: ignore[no-untyped-call]  # torch does not annotate it


class _Evolve(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        u: torch.Tensor,
        speed: torch.Tensor,
        velocity_x: torch.Tensor,
        velocity_y: torch.Tensor,
        curvature: torch.Tensor,
        stencils: torch.Tensor,
        dt: float,
        steps: int,
        kept: int,
    ) -> torch.Tensor:
        fields = [_numpy(f) for f in (speed, velocity_x, velocity_y, curvature)]
        start = _padded(_numpy(u))
        motion = (*fields, _numpy(stencils).reshape(9, 9), _constants(dt, start.dtype))
        ctx.start, ctx.motion, ctx.steps, ctx.kept = start, motion, steps, kept
        ctx.history = None
        if steps <= kept:
            ctx.history = _history(start, motion, steps)
            return torch.from_numpy(ctx.history[-1][:, 1:-1, 1:-1].copy())
        return torch.from_numpy(_later(start, motion, steps)[:, 1:-1, 1:-1].copy())

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        adjoint = _numpy(gradient).copy()
        n = adjoint.shape[0]
        by_field = np.zeros((n, 4, *adjoint.shape[1:]), dtype=adjoint.dtype)
        by_stencil = np.zeros((n, 9, 9), dtype=np.float64)
        gradients = (adjoint, by_field, by_stencil)
        if ctx.history is not None:
            _by_image(_backward, n, ctx.history, *ctx.motion, *gradients)
        else:
            _back_through(ctx.start, ctx.motion, ctx.steps, max(1, ctx.kept), gradients)
        stencils = by_stencil.sum(axis=0).astype(adjoint.dtype).reshape(9, 3, 3)
        found = [torch.from_numpy(g) for g in (adjoint, *by_field.swapaxes(0, 1), stencils)]
        return (*found, None, None, None)


def _back_through(
    start: np.ndarray, motion: _Given, steps: int, kept: int, gradients: tuple[np.ndarray, ...]
) -> None:
    """Take the gradients back through ``steps`` steps from ``start`` (n, h + 2, w + 2), with at
    most ``kept`` further u in memory (and a block of steps on the way): through the later half
    first, whose start is one of them, then through the earlier one, which is computed again."""
    while steps > kept:
        earlier = steps // 2 if kept > 1 else steps - 1
        middle = _later(start, motion, earlier)
        _back_through(middle, motion, steps - earlier, max(1, kept - 1), gradients)
        steps = earlier
    history = _history(start, motion, steps)
    _by_image(_backward, len(start), history, *motion, *gradients)


def _history(start: np.ndarray, motion: _Given, steps: int) -> np.ndarray:
    """``start`` (n, h + 2, w + 2) and u after each of the steps, (steps + 1, n, h + 2, w + 2)."""
    history = np.empty((steps + 1, *start.shape), dtype=start.dtype)
    history[0] = start
    _by_image(_forward, len(start), history, *motion)
    return history


def _later(start: np.ndarray, motion: _Given, steps: int) -> np.ndarray:
    """u (n, h + 2, w + 2) after the steps."""
    for done in range(0, steps, _BLOCK):
        start = _history(start, motion, min(_BLOCK, steps - done))[-1].copy()
    return start


def _padded(u: np.ndarray) -> np.ndarray:
    """u (n, h, w) with room for a border of one pixel, which each step fills."""
    return np.pad(u, ((0, 0), (1, 1), (1, 1)))


def _by_image(work: Callable[..., None], n: int, *given: Any) -> None:
    """Call ``work(image, image + 1, *given)`` for all ``n`` images, on torch's number of threads.

    Image by image, because a signal is heard only between two calls: a batch of 20 images of 256
    pixels takes half a minute on one thread.
    """
    threads = min(torch.get_num_threads(), n)
    if threads == 1:
        for image in range(n):
            work(image, image + 1, *given)
        return
    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(work, image, image + 1, *given) for image in range(n)]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _constants(dt: float, dtype: np.dtype) -> tuple[np.floating, ...]:
    # Typed, because Python's own numbers would turn single precision into double: half the speed.
    return tuple(dtype.type(c) for c in (0, 1, 2, GRADIENT_FLOOR, CURVATURE_FLOOR, dt))


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


@_jit
def _replicate_border(u: np.ndarray) -> None:
    """Fill the one-pixel border of a padded image (h + 2, w + 2) from its neighbours."""
    u[0, 1:-1] = u[1, 1:-1]
    u[-1, 1:-1] = u[-2, 1:-1]
    u[:, 0] = u[:, 1]
    u[:, -1] = u[:, -2]


@_jit
def _fold_border(gradient: np.ndarray) -> None:
    """Adjoint of :func:`_replicate_border`: what flowed to the border belongs to its source."""
    gradient[:, 1] += gradient[:, 0]
    gradient[:, -2] += gradient[:, -1]
    gradient[1, 1:-1] += gradient[0, 1:-1]
    gradient[-2, 1:-1] += gradient[-1, 1:-1]


@_jit
def _differences(u: np.ndarray, i: int, weights: np.ndarray, d: np.ndarray) -> None:
    """Row ``i`` of the nine differences, d (9, w), of a padded image."""
    width = d.shape[1]
    above, here, below = u[i], u[i + 1], u[i + 2]
    for k in range(9):
        a, b, c = weights[k, 0], weights[k, 1], weights[k, 2]
        e, f, g = weights[k, 3], weights[k, 4], weights[k, 5]
        p, q, r = weights[k, 6], weights[k, 7], weights[k, 8]
        row = d[k]
        for j in range(width):
            row[j] = (
                (a * above[j] + b * above[j + 1] + c * above[j + 2])
                + (e * here[j] + f * here[j + 1] + g * here[j + 2])
                + (p * below[j] + q * below[j + 1] + r * below[j + 2])
            )


@_jit
def _step_row(
    here: np.ndarray,
    d: np.ndarray,
    speed: np.ndarray,
    velocity_x: np.ndarray,
    velocity_y: np.ndarray,
    curvature: np.ndarray,
    constants: tuple[np.floating, ...],
    after: np.ndarray,
) -> None:
    zero, _, two, gradient_floor, curvature_floor, dt = constants
    for j in range(after.shape[0]):
        xb, xf, yb, yf = d[0, j], d[1, j], d[2, j], d[3, j]
        x, y = d[4, j], d[5, j]
        grow = gradient_floor + max(xf, zero) ** 2 + max(-xb, zero) ** 2
        grow += max(yf, zero) ** 2 + max(-yb, zero) ** 2
        shrink = gradient_floor + max(-xf, zero) ** 2 + max(xb, zero) ** 2
        shrink += max(-yf, zero) ** 2 + max(yb, zero) ** 2
        rate = max(speed[j], zero) * np.sqrt(grow) - max(-speed[j], zero) * np.sqrt(shrink)
        rate += max(velocity_x[j], zero) * xf - max(-velocity_x[j], zero) * xb
        rate += max(velocity_y[j], zero) * yf - max(-velocity_y[j], zero) * yb
        bending = d[6, j] * y * y - two * x * y * d[8, j] + d[7, j] * x * x
        rate += curvature[j] * bending / (x * x + y * y + curvature_floor)
        after[j] = here[j] + dt * rate


@_free
def _forward(
    first: int,
    last: int,
    history: np.ndarray,
    speed: np.ndarray,
    velocity_x: np.ndarray,
    velocity_y: np.ndarray,
    curvature: np.ndarray,
    weights: np.ndarray,
    constants: tuple[np.floating, ...],
) -> None:
    steps = history.shape[0] - 1
    h, w = speed.shape[1], speed.shape[2]
    for image in range(first, last):
        d = np.empty((9, w), dtype=history.dtype)
        for t in range(steps):
            u, after = history[t, image], history[t + 1, image]
            _replicate_border(u)
            for i in range(h):
                _differences(u, i, weights, d)
                _step_row(
                    u[i + 1, 1:-1],
                    d,
                    speed[image, i],
                    velocity_x[image, i],
                    velocity_y[image, i],
                    curvature[image, i],
                    constants,
                    after[i + 1, 1:-1],
                )


@_jit
def _adjoint_upwind(
    d: np.ndarray,
    speed: np.ndarray,
    velocity_x: np.ndarray,
    velocity_y: np.ndarray,
    constants: tuple[np.floating, ...],
    adjoint: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
) -> None:
    """One row's gradients of the balloon and transport terms: by the one-sided differences
    a[0:4] (w) and by speed and velocity b[0:3] (w)."""
    zero, _, _, gradient_floor, _, dt = constants
    for j in range(adjoint.shape[0]):
        xb, xf, yb, yf = d[0, j], d[1, j], d[2, j], d[3, j]
        xf_grow, xb_grow = max(xf, zero), max(-xb, zero)
        yf_grow, yb_grow = max(yf, zero), max(-yb, zero)
        xf_shrink, xb_shrink = max(-xf, zero), max(xb, zero)
        yf_shrink, yb_shrink = max(-yf, zero), max(yb, zero)
        grow = np.sqrt(gradient_floor + xf_grow**2 + xb_grow**2 + yf_grow**2 + yb_grow**2)
        shrink = np.sqrt(gradient_floor + xf_shrink**2 + xb_shrink**2 + yf_shrink**2 + yb_shrink**2)
        g = dt * adjoint[j]
        out = g * max(speed[j], zero) / grow
        back = g * max(-speed[j], zero) / shrink
        a[0, j] = -out * xb_grow - back * xb_shrink - g * max(-velocity_x[j], zero)
        a[1, j] = out * xf_grow + back * xf_shrink + g * max(velocity_x[j], zero)
        a[2, j] = -out * yb_grow - back * yb_shrink - g * max(-velocity_y[j], zero)
        a[3, j] = out * yf_grow + back * yf_shrink + g * max(velocity_y[j], zero)
        b[0, j] = g * (grow if speed[j] > zero else shrink)
        b[1, j] = g * (xf if velocity_x[j] > zero else xb)
        b[2, j] = g * (yf if velocity_y[j] > zero else yb)


@_jit
def _adjoint_curvature(
    d: np.ndarray,
    curvature: np.ndarray,
    constants: tuple[np.floating, ...],
    adjoint: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
) -> None:
    """One row's gradients of the curvature term: by the central differences a[4:9] (w) and by its
    weight b[3] (w). Apart from the upwind terms so that the compiler can vectorise each loop."""
    _, one, two, _, curvature_floor, dt = constants
    for j in range(adjoint.shape[0]):
        x, y, xx, yy, xy = d[4, j], d[5, j], d[6, j], d[7, j], d[8, j]
        g = dt * adjoint[j]
        inverse = one / (x * x + y * y + curvature_floor)
        bending = (xx * y * y - two * x * y * xy + yy * x * x) * inverse
        c = g * curvature[j] * inverse
        a[4, j] = c * (two * x * yy - two * y * xy - two * x * bending)
        a[5, j] = c * (two * y * xx - two * x * xy - two * y * bending)
        a[6, j] = c * y * y
        a[7, j] = c * x * x
        a[8, j] = -c * two * x * y
        b[3, j] = g * bending


@_jit
def _add_row(row: np.ndarray, total: np.ndarray, i: int) -> None:
    """Add a row's arrays (k, w) to row ``i`` of the image's, total (k, h, w)."""
    for k in range(row.shape[0]):
        for j in range(row.shape[1]):
            total[k, i, j] += row[k, j]


@_jit
def _stencil_gradient(
    u: np.ndarray, a: np.ndarray, lanes: np.ndarray, by_stencil: np.ndarray
) -> None:
    """Add an image's part of the gradient by the stencils: correlations of a with u.

    Each of the 81 sums of a (h, 9, w) is kept in ``lanes`` (9, w), column by column, so that no
    order of summing stands in the way of computing many columns at a time.
    """
    height, width = a.shape[0], lanes.shape[1]
    for k in range(9):
        lanes[:] = 0
        for i in range(height):
            row = a[i, k]
            for tap in range(9):
                source, sums = u[i + tap // 3], lanes[tap]
                offset = tap % 3
                for j in range(width):
                    sums[j] += row[j] * source[j + offset]
        for tap in range(9):
            total = 0.0
            for j in range(width):
                total += lanes[tap, j]
            by_stencil[k, tap] += total


@_jit
def _spread(row: np.ndarray, i: int, weights: np.ndarray, gradient: np.ndarray) -> None:
    """Transposed convolution: send row ``i``'s differences (9, w) back to the padded pixels that
    they came from."""
    width = row.shape[1]
    for tap in range(9):
        target = gradient[i + tap // 3, tap % 3 : tap % 3 + width]
        w0, w1, w2 = weights[0, tap], weights[1, tap], weights[2, tap]
        w3, w4, w5 = weights[3, tap], weights[4, tap], weights[5, tap]
        w6, w7, w8 = weights[6, tap], weights[7, tap], weights[8, tap]
        for j in range(width):
            target[j] += (
                (w0 * row[0, j] + w1 * row[1, j] + w2 * row[2, j])
                + (w3 * row[3, j] + w4 * row[4, j] + w5 * row[5, j])
                + (w6 * row[6, j] + w7 * row[7, j] + w8 * row[8, j])
            )


@_free
def _backward(
    first: int,
    last: int,
    history: np.ndarray,
    speed: np.ndarray,
    velocity_x: np.ndarray,
    velocity_y: np.ndarray,
    curvature: np.ndarray,
    weights: np.ndarray,
    constants: tuple[np.floating, ...],
    adjoint: np.ndarray,
    by_field: np.ndarray,
    by_stencil: np.ndarray,
) -> None:
    steps = history.shape[0] - 1
    h, w = speed.shape[1], speed.shape[2]
    for image in range(first, last):
        d = np.empty((9, w), dtype=history.dtype)
        # Row by row, so that each row's (9, w) is one block, as the loops over it want it.
        a = np.empty((h, 9, w), dtype=history.dtype)
        lanes = np.empty((9, w), dtype=history.dtype)
        b = np.empty((4, w), dtype=history.dtype)
        gradient = np.empty((h + 2, w + 2), dtype=history.dtype)
        for t in range(steps - 1, -1, -1):
            u = history[t, image]
            gradient[:] = 0
            gradient[1:-1, 1:-1] = adjoint[image]
            for i in range(h):
                _differences(u, i, weights, d)
                g = adjoint[image, i]
                _adjoint_upwind(
                    d,
                    speed[image, i],
                    velocity_x[image, i],
                    velocity_y[image, i],
                    constants,
                    g,
                    a[i],
                    b,
                )
                _adjoint_curvature(d, curvature[image, i], constants, g, a[i], b)
                _add_row(b, by_field[image], i)
                _spread(a[i], i, weights, gradient)
            _stencil_gradient(u, a, lanes, by_stencil[image])
            _fold_border(gradient)
            adjoint[image] = gradient[1:-1, 1:-1]
