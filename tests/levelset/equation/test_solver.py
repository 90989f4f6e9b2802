"""One scheme, two uses: the solver and the network's layer move the same contour."""

import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.levelset.equation import scheme, solver
from upwind.networks.lsn import LSN

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine"),
    ),
]


pytestmark = pytest.mark.usefixtures("one_thread")


def layer(dtype, device, rule):
    """An untrained network of 100 layers, whose stencils are still the finite differences."""
    torch.manual_seed(0)
    rules = {"upwind_stencils": rule, "curvature_stencils": rule}
    # As stable as the solver asks for: the image's edges move the contour too.
    network = LSN((0.5, 0.45, 0.2), steps=100, dt=0.3, **rules)
    return network.to(device, dtype).eval()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("rule", ["fixed", "mean_zero"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_solver_and_layer_agree_to_1e_6_after_100_steps(dtype, rule, device):
    # u reaches 40 pixels, of which single precision holds 7 digits: 1e-6 is relative to the
    # largest |u|. The layer runs the compiled steps on CPU, the solver the plain ones.
    generator = torch.Generator().manual_seed(1)
    slices = (2 * torch.rand((2, 1, 64, 64), generator=generator) - 1).to(device, dtype)
    network = layer(dtype, device, rule)
    with torch.no_grad():
        fields = network.fields(slices)
        start = network.initial(64, device).to(dtype).expand(2, -1, -1)
        ours = solver.evolve(start, fields, (1.0, 1.0), network.dt, network.steps)
        network.initial = lambda size, device: start[0]
        theirs = network.level_set(slices)
    assert float((ours - start).abs().max()) > 2  # pixels: something moved
    assert float((ours - theirs).abs().max()) <= 1e-6 * float(theirs.abs().max())


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_a_volume_that_is_the_same_along_an_axis_moves_as_its_slice(axis):
    generator = torch.Generator().manual_seed(2)
    u = scheme.signed_distance_to_disc(24, (11, 13), 6.0, torch.float64)[None]
    speed, a, b = (2 * torch.rand((3, 1, 24, 24), generator=generator) - 1).double()
    fields = scheme.Fields(speed, a, b, torch.full_like(u, 0.2))
    flat = solver.evolve(u, fields, (1.0, 1.5), 0.1, 30)

    def along(t):
        return t.unsqueeze(axis).expand(*t.shape[:axis], 5, *t.shape[axis:])

    # Array axes 1, 2, 3 are z, y, x; the slice's own x and y take the others in order.
    velocity, spacing = [along(a), along(b)], [1.0, 1.5]
    velocity.insert(3 - axis, torch.zeros_like(along(u)))
    spacing.insert(3 - axis, 7.0)
    deep = scheme.Fields3D(along(speed), *velocity, along(fields.curvature))
    volume = solver.evolve(along(u), deep, tuple(spacing), 0.1, 30)
    torch.testing.assert_close(volume, along(flat), rtol=0, atol=1e-10)


@pytest.mark.parametrize("spacing", [(1.0, 2.0), (2.0, 1.0), (0.7, 1.3, 2.5)])
def test_stencils_are_exact_on_polynomials_whatever_the_spacing(spacing):
    axes = [h * torch.arange(5, dtype=torch.float64) for h in reversed(spacing)]
    points = list(reversed(torch.meshgrid(*axes, indexing="ij")))
    d = len(spacing)
    u = sum((2 + i) * p + (1 + i) * p**2 for i, p in enumerate(points))
    u = u + sum((3 + i) * points[i] * points[i + 1] for i in range(d - 1))
    stencils = scheme.finite_differences(torch.float64, spacing)
    convolve = torch.nn.functional.conv2d if d == 2 else torch.nn.functional.conv3d
    found = convolve(u[None, None], stencils[:, None])[0]
    middle = (slice(1, -1),) * d
    for i, p in enumerate(points):
        slope = (2 + i) + 2 * (1 + i) * p
        for j in (i - 1, i + 1):
            if 0 <= j < d:
                slope = slope + (3 + min(i, j)) * points[j]
        slope, half = slope[middle], (1 + i) * spacing[i]
        torch.testing.assert_close(found[2 * i], slope - half)
        torch.testing.assert_close(found[2 * i + 1], slope + half)
        torch.testing.assert_close(found[2 * d + i], slope)
        torch.testing.assert_close(found[3 * d + i], torch.full_like(slope, 2.0 * (1 + i)))
    mixed = [3.0] if d == 2 else [3.0, 0.0, 4.0]  # xy, xz, yz
    for row, expected in zip(found[4 * d :], mixed, strict=True):
        torch.testing.assert_close(row, torch.full_like(row, expected), atol=1e-10, rtol=0)


def test_a_sphere_stays_a_sphere_on_a_grid_with_thick_slices():
    spacing, shape = (1.0, 1.0, 2.5), (17, 41, 41)
    axes = [
        h * (torch.arange(n, dtype=torch.float64) - (n - 1) / 2)
        for h, n in zip(reversed(spacing), shape, strict=True)
    ]
    r = sum(p**2 for p in torch.meshgrid(*axes, indexing="ij")).sqrt()
    u = (9 - r)[None]
    fields = solver.constant_fields(u, speed=1.0)
    later = solver.solve(u, fields, spacing, 5.0)[0]
    near = (14 - r).abs() < 1.5
    assert float((later - (14 - r))[near].abs().max()) < 0.6  # first order in 2.5
    assert float((later - (14 - r))[near].abs().mean()) < 0.3


@pytest.mark.parametrize(
    ("spacing", "given", "limit"),
    [
        ((1.0, 1.0), {"speed": -2.0}, 1 / 4),
        ((1.0, 1.0, 1.0), {"speed": 1.0}, 1 / 6**0.5),
        ((1.0, 1.0, 1.0), {"curvature": 1.0}, 1 / 6),
        ((2.0, 1.0), {"velocity": (3.0, -1.0)}, 1 / 2.5),
        ((2.0, 1.0), {"speed": 1.0, "curvature": 0.5}, 1 / (2.5**0.5 + 1.25)),
    ],
)
def test_steps_beyond_the_stability_limit_are_refused_with_the_limit(spacing, given, limit):
    u = torch.zeros((1,) + (6,) * len(spacing), dtype=torch.float64)
    fields = solver.constant_fields(u, **given)
    assert solver.stability_limit(fields, spacing) == pytest.approx(limit)
    solver.evolve(u, fields, spacing, limit, 1)
    for dt in (1.01 * limit, 0.0, -1.0, float("nan")):
        with pytest.raises(UpwindError, match=f"{limit:g}"):
            solver.evolve(u, fields, spacing, dt, 1)
    with pytest.raises(UpwindError, match=f"{limit:g}"):
        solver.arrival_times(u, fields, spacing, 1.01 * limit, 1)


def test_a_lone_peak_in_a_volume_falls_to_its_surroundings_at_the_limit_and_through_them_above():
    spacing = (1.0, 2.0, 3.0)
    peak = torch.zeros((1, 5, 5, 5), dtype=torch.float64)
    peak[0, 2, 2, 2] = 1.0
    fields = solver.constant_fields(peak, speed=-1.0)
    limit = solver.stability_limit(fields, spacing)
    stencils = scheme.finite_differences(torch.float64, spacing)
    moved = [
        float(scheme.step(peak, fields, stencils, s * limit)[0, 2, 2, 2]) for s in (0.9, 1, 1.1)
    ]
    assert moved == pytest.approx([0.1, 0.0, -0.1], abs=1e-6)


def test_arrival_times_by_hand():
    # A plane that moves at speed 2 along x, from x = 0.
    x = torch.arange(24, dtype=torch.float64) - 14
    u = (-x).expand(1, 4, 24).clone()
    fields = solver.constant_fields(u, speed=2.0)
    times = solver.arrival_times(u, fields, (1.0, 1.0), 0.25, 10)[0]
    torch.testing.assert_close(times[:, 14:19], (x[14:19] / 2).expand(4, 5), atol=1e-5, rtol=0)
    assert (times[:, :15] == 0).all()
    assert torch.isinf(times[:, 20:]).all()
