"""The scheme against exact solutions, a NumPy solver and the theory of monotone schemes."""

import itertools
import math
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from upwind.levelset.equation import scheme

STENCILS = scheme.finite_differences(torch.float64)


pytestmark = pytest.mark.usefixtures("one_thread")


def constant_fields(size, speed=0.0, velocity_x=0.0, velocity_y=0.0, curvature=0.0):
    values = (speed, velocity_x, velocity_y, curvature)
    return scheme.Fields(*(torch.full((1, size, size), v, dtype=torch.float64) for v in values))


def random_fields(generator, shape, curvature=0.0):
    speed, x, y = (2 * torch.rand((3, *shape), generator=generator) - 1).double()
    return scheme.Fields(speed, x, y, torch.full(shape, curvature, dtype=torch.float64))


def disc(size, radius, centre=(0.5, 0.5)):
    """Signed distance (1, size, size) to a disc; radius and centre (row, column) as shares."""
    pixels = tuple(share * size - 0.5 for share in centre)
    return scheme.signed_distance_to_disc(size, pixels, radius * size, torch.float64)[None]


def coverage(u):
    """Share of each pixel inside, from a signed distance."""
    return (u + 0.5).clamp(0, 1)[0]


def radius_of(u):
    return math.sqrt(float(coverage(u).sum()) / math.pi)


def error_near_contour(u, exact):
    """Mean distance between the level sets near the contour, as a share of the image's size."""
    size = u.shape[-1]
    return float((u - exact)[exact.abs() < 0.05 * size].abs().mean()) / size


def observed_orders(errors):
    return [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]


def numpy_step(u, fields, dt):
    """One step with finite differences, written with slices of arrays, pixel by pixel terms."""
    p = np.pad(u, 1, mode="edge")
    back_x, forward_x = u - p[1:-1, :-2], p[1:-1, 2:] - u
    back_y, forward_y = u - p[:-2, 1:-1], p[2:, 1:-1] - u
    speed, v_x, v_y, curvature = (np.asarray(f) for f in fields)
    grow = np.sqrt(
        np.maximum(forward_x, 0) ** 2
        + np.minimum(back_x, 0) ** 2
        + np.maximum(forward_y, 0) ** 2
        + np.minimum(back_y, 0) ** 2
    )
    shrink = np.sqrt(
        np.minimum(forward_x, 0) ** 2
        + np.maximum(back_x, 0) ** 2
        + np.minimum(forward_y, 0) ** 2
        + np.maximum(back_y, 0) ** 2
    )
    rate = speed * np.where(speed > 0, grow, shrink)
    rate += v_x * np.where(v_x > 0, forward_x, back_x)
    rate += v_y * np.where(v_y > 0, forward_y, back_y)
    x, y = (p[1:-1, 2:] - p[1:-1, :-2]) / 2, (p[2:, 1:-1] - p[:-2, 1:-1]) / 2
    xx, yy = forward_x - back_x, forward_y - back_y
    xy = (p[2:, 2:] + p[:-2, :-2] - p[2:, :-2] - p[:-2, 2:]) / 4
    bending = (xx * y**2 - 2 * x * y * xy + yy * x**2) / (x**2 + y**2 + scheme.CURVATURE_FLOOR)
    return u + dt * (rate + curvature * bending)


@pytest.mark.parametrize(("speed", "start"), [(1.0, 0.2), (-1.0, 0.4)])
def test_circle_grows_and_shrinks_by_ft_with_first_order_errors(speed, start):
    errors, radius_errors = [], []
    for size in (32, 64, 128):
        steps = round(0.15 * size / 0.5)
        end = start + speed * steps * 0.5 / size
        u = scheme.evolve(disc(size, start), constant_fields(size, speed), STENCILS, 0.5, steps)
        errors.append(error_near_contour(u, disc(size, end)))
        radius_errors.append(abs(radius_of(u) / size - end))
    assert errors[-1] < 1.2e-3
    assert min(observed_orders(errors)) > 0.8
    assert min(observed_orders(radius_errors)) > 0.8


def test_circle_under_curvature_flow_has_r_squared_falling_by_2t():
    size, steps = 48, 60
    start = 0.35 * size
    u, fields = disc(size, 0.35), constant_fields(size, curvature=1.0)
    for part in range(1, 4):
        u = scheme.evolve(u, fields, STENCILS, 0.25, steps)
        expected = math.sqrt(start**2 - 2 * part * steps * 0.25)
        assert radius_of(u) == pytest.approx(expected, abs=0.05)  # pixels
    assert expected < start - 2.5


def test_curvature_flow_converges_to_the_exact_level_sets():
    errors = []
    for size in (16, 32, 64):
        steps = round((0.35**2 - 0.2**2) / 2 * size**2 / 0.25)
        fields = constant_fields(size, curvature=1.0)
        u = scheme.evolve(disc(size, 0.35), fields, STENCILS, 0.25, steps)
        # Every circle of the start moves as r^2 = r0^2 - 2t.
        distance = 0.35 * size - disc(size, 0.35)
        exact = 0.35 * size - torch.sqrt(distance**2 + 2 * steps * 0.25)
        errors.append(error_near_contour(u, exact))
    assert errors == sorted(errors, reverse=True)
    assert math.log2(errors[0] / errors[-1]) / 2 > 0.8


def test_transport_moves_a_shape_by_minus_v_t():
    # u_t = + v . grad u has the solution u0(x + v t): the shape moves against v.
    v_x, v_y = 0.6, -0.4
    errors = []
    for size in (32, 64, 128):
        steps = round(0.2 * size / 0.5)
        time = steps * 0.5 / size
        fields = constant_fields(size, velocity_x=v_x, velocity_y=v_y)
        u = scheme.evolve(disc(size, 0.2), fields, STENCILS, 0.5, steps)
        row, column = 0.5 - v_y * time, 0.5 - v_x * time
        errors.append(error_near_contour(u, disc(size, 0.2, (row, column))))
        inside, axis = coverage(u), (torch.arange(size) + 0.5).double() / size
        assert float((inside.sum(1) * axis).sum() / inside.sum()) == pytest.approx(row, abs=5e-4)
        assert float((inside.sum(0) * axis).sum() / inside.sum()) == pytest.approx(column, abs=5e-4)
    assert min(observed_orders(errors)) > 0.8
    # Area is kept to first order: 0.9 % short at 128 pixels, twice that at 64.
    assert radius_of(u) / size == pytest.approx(0.2, rel=0.01)


@given(seed=st.integers(0, 2**32 - 1), curvature=st.sampled_from([0.0, 0.7]))
@settings(max_examples=25, deadline=None)
def test_step_equals_a_solver_written_with_numpy_slices(seed, curvature):
    generator = torch.Generator().manual_seed(seed)
    u = torch.randn((3, 7, 11), generator=generator).double()
    fields = random_fields(generator, (3, 7, 11), curvature)
    ours = scheme.step(u, fields, STENCILS, 0.3)
    for image in range(3):
        theirs = numpy_step(u[image].numpy(), [f[image].numpy() for f in fields], 0.3)
        # The floor under |grad u| is worth at most its root, 1e-6, a unit of time.
        np.testing.assert_allclose(ours[image].numpy(), theirs, rtol=0, atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_step_is_monotone_up_to_the_stable_time_step(seed):
    generator = torch.Generator().manual_seed(seed)
    u = torch.randn((1, 5, 6), generator=generator).double()
    fields = random_fields(generator, u.shape)
    velocity = float((fields.velocity_x.abs() + fields.velocity_y.abs()).max())
    dt = scheme.stable_time_step(float(fields.speed.abs().max()), velocity, 0.0)
    jacobian = torch.autograd.functional.jacobian(lambda v: scheme.step(v, fields, STENCILS, dt), u)
    assert float(jacobian.min()) >= -1e-12


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"speed": -1.0}, 0.5),
        ({"speed": -4.0}, 0.125),
        ({"velocity_x": 0.5, "velocity_y": -1.5}, 0.5),
    ],
)
def test_a_lone_peak_falls_to_its_surroundings_at_the_limit_and_through_them_above(fields, limit):
    numbers = {name: abs(value) for name, value in fields.items()}
    velocity = numbers.get("velocity_x", 0.0) + numbers.get("velocity_y", 0.0)
    assert scheme.stable_time_step(numbers.get("speed", 0.0), velocity, 0.0) == limit
    peak = torch.zeros((1, 5, 5), dtype=torch.float64)
    peak[0, 2, 2] = 1.0
    moved = [
        float(scheme.step(peak, constant_fields(5, **fields), STENCILS, dt)[0, 2, 2])
        for dt in (0.9 * limit, limit, 1.1 * limit)
    ]
    assert moved == pytest.approx([0.1, 0.0, -0.1], abs=1e-6)


def test_stable_time_step_by_hand():
    assert scheme.stable_time_step(1.0, 0.5, 0.25) == 1 / 3.5
    assert scheme.stable_time_step(0.0, 0.0, 1.0) == 0.25
    assert scheme.stable_time_step(0.0, 0.0, 0.0) == math.inf


def test_noise_under_curvature_flow_does_not_grow_at_the_stable_time_step():
    u = torch.randn((4, 16, 16), generator=torch.Generator().manual_seed(0)).double()
    fields = constant_fields(16, curvature=1.0)
    dt = scheme.stable_time_step(0.0, 0.0, 1.0)
    later = scheme.evolve(u, fields, STENCILS, dt, 100)
    assert float(later.abs().max()) < float(u.abs().max())
    assert float(later.std()) < 0.5 * float(u.std())


@given(st.tuples(*[st.integers(-5, 5)] * 6))
@settings(max_examples=25, deadline=None)
def test_finite_differences_are_exact_on_polynomials(coefficients):
    c, a, b, d, e, f = map(float, coefficients)
    y, x = (v.double() for v in torch.meshgrid(torch.arange(6), torch.arange(7), indexing="ij"))
    u = c + a * x + b * y + d * x**2 + e * x * y + f * y**2
    inner = torch.nn.functional.conv2d(u[None, None], STENCILS[:, None])[0]
    x, y = x[1:-1, 1:-1], y[1:-1, 1:-1]
    u_x, u_y = a + 2 * d * x + e * y, b + e * x + 2 * f * y
    one = torch.ones_like(x)
    exact = {
        scheme.X: u_x,
        scheme.Y: u_y,
        scheme.XX: 2 * d * one,
        scheme.YY: 2 * f * one,
        scheme.XY: e * one,
        # One-sided differences are exact half a pixel away.
        scheme.X_BACKWARD: u_x - d,
        scheme.X_FORWARD: u_x + d,
        scheme.Y_BACKWARD: u_y - f,
        scheme.Y_FORWARD: u_y + f,
    }
    assert len(exact) == len(STENCILS) == len(scheme.STENCIL_NAMES)
    for row, expected in exact.items():
        torch.testing.assert_close(inner[row], expected, rtol=0, atol=1e-10)


def test_groups_of_stencils_are_the_one_sided_and_the_central_ones():
    assert scheme.STENCIL_NAMES[scheme.UPWIND] == ("D-x", "D+x", "D-y", "D+y")
    assert scheme.STENCIL_NAMES[scheme.CENTRAL] == ("Dx", "Dy", "Dxx", "Dyy", "Dxy")
    assert float(STENCILS.sum((1, 2)).abs().max()) == 0.0  # a constant has no derivative


def test_flat_u_stays_and_has_finite_gradients():
    u = torch.full((1, 6, 6), 3.0, dtype=torch.float64, requires_grad=True)
    stencils = STENCILS.clone().requires_grad_()
    fields = constant_fields(6, -1.0, 0.3, 0.2, 0.5)
    later = scheme.evolve(u, fields, stencils, 0.2, 5)
    later.sum().backward()
    torch.testing.assert_close(later.detach(), u.detach(), rtol=0, atol=2e-6)
    assert torch.isfinite(u.grad).all()
    assert torch.isfinite(stencils.grad).all()


def test_signed_distance_to_disc_by_hand():
    u = scheme.signed_distance_to_disc(8, (2, 3), 1.5)
    assert u.dtype == torch.float32
    assert float(u[2, 3]) == 1.5
    assert float(u[6, 6]) == pytest.approx(1.5 - 5.0)  # 4 rows and 3 columns away
    assert float(u[2, 1]) == pytest.approx(-0.5)


def test_chunks_give_the_same_result_and_gradients_and_keep_less():
    torch.manual_seed(0)
    u = scheme.signed_distance_to_disc(16, (7.0, 8.0), 4.0, torch.float64)[None].requires_grad_()
    speed = torch.tanh(torch.randn(1, 16, 16, dtype=torch.float64)).requires_grad_()
    zero = torch.zeros_like(speed)
    fields = scheme.Fields(speed, zero, zero, zero + 0.1)
    stencils = scheme.finite_differences(torch.float64).requires_grad_()

    def run(evolve):
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
            out = evolve(u, fields, stencils, 0.4, 30)
        return out, torch.autograd.grad(out.square().sum(), (u, speed, stencils)), len(kept)

    def halved(*given):
        return scheme.evolve_in_chunks(*given, kept_steps=4)

    plain, by_plain, kept_plain = run(scheme.evolve)
    for evolve in (scheme.evolve_in_chunks, halved):
        chunked, by_chunked, kept_chunked = run(evolve)
        torch.testing.assert_close(chunked, plain, rtol=0, atol=1e-12)
        for ours, theirs in zip(by_chunked, by_plain, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
        assert kept_chunked < kept_plain / 10


def most_results_alive(steps, **options):
    """Of the steps' results, how many are in memory at once, forwards or backwards."""
    alive, most = 0, 0

    def freed():
        nonlocal alive
        alive -= 1

    def one_step(u, fields, stencils, dt):
        nonlocal alive, most
        result = scheme.step(u, fields, stencils, dt)
        weakref.finalize(result, freed)
        alive += 1
        most = max(most, alive)
        return result

    u = scheme.signed_distance_to_disc(8, (4.0, 4.0), 2.0)[None].requires_grad_()
    zero = torch.zeros(1, 8, 8)
    fields = scheme.Fields(zero + 0.5, zero, zero, zero)
    stencils = scheme.finite_differences()
    scheme.evolve_in_chunks(u, fields, stencils, 0.4, steps, one_step, **options).sum().backward()
    return most


def test_kept_steps_bound_what_chunks_let_grow():
    few, many = (most_results_alive(steps, kept_steps=4) for steps in (16, 256))
    assert few <= 4 + 2 + 2
    assert many <= few + 4  # an image for each further halving
    assert most_results_alive(256) > 2 * many
