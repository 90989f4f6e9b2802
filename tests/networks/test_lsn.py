"""The level set network: a solver when its stencils are fixed, and what each term does."""

import math

import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.levelset.equation import fused, scheme
from upwind.levelset.equation.edges import edge_function, sobel
from upwind.levelset.equation.limits import GRADIENT_FLOOR
from upwind.networks.lsn import LSN, TERMS, distance_from
from upwind.settings.lsn import LSNSettings

DISC = (0.5, 0.4, 0.2)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def random_slices(n=2, size=24):
    return 2 * torch.rand((n, 1, size, size), generator=torch.Generator().manual_seed(1)) - 1


def with_constant_speed(network, speed):
    """Set the speed network's output, whatever the slice."""
    with torch.no_grad():
        network.speed.head.weight.zero_()
        network.speed.head.bias.fill_(math.atanh(speed))
    return network


def mask_area(u):
    return float((u > 0).sum())


def test_with_finite_differences_it_equals_the_solver():
    network = LSN(DISC, steps=25, dt=0.4)
    slices = random_slices()
    image = slices[:, 0].double()
    g = edge_function(image, LSNSettings().edge_contrast)
    along_x, along_y = sobel(g)
    speed = torch.tanh(network.speed(slices, network.initial(24))).double()
    fields = scheme.Fields(
        speed, 0.1 * along_x, 0.1 * along_y, 0.1 * g
    )  # beta and alpha start at 0.1
    start = scheme.signed_distance_to_disc(24, (11.5, 9.1), 4.8, torch.float64).expand(2, 24, 24)
    stencils = scheme.finite_differences(torch.float64)
    expected = scheme.evolve(start, fields, stencils, 0.4, 25)
    with torch.no_grad():
        ours = network.level_set(slices)
        probability = network(slices)
    torch.testing.assert_close(ours.double(), expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(probability[:, 0], torch.sigmoid(distance_from(ours) / (24 / 32)))
    assert probability.shape == slices.shape


def test_kept_steps_reach_the_steps_and_change_no_gradient(monkeypatch):
    asked = []
    plain = fused.evolve

    def evolve(*given, kept_steps):
        asked.append(kept_steps)
        return plain(*given, kept_steps=kept_steps)

    monkeypatch.setattr(fused, "evolve", evolve)
    gradients = []
    for kept_steps in (None, 8):
        torch.manual_seed(0)
        network = LSN(DISC, steps=20, dt=0.4, kept_steps=kept_steps)
        network(random_slices()).sum().backward()
        gradients.append([parameter.grad for parameter in network.parameters()])
    assert asked == [None, 8]
    for one, other in zip(*gradients, strict=True):
        assert torch.equal(one, other)
    with pytest.raises(UpwindError, match=r"lsn\.kept_steps: 7 is not 8 or more"):
        LSN(DISC, kept_steps=7)


@pytest.mark.parametrize(("speed", "direction"), [(0.8, 1), (-0.8, -1)])
def test_it_moves_the_contour_by_speed_times_time(speed, direction):
    network = with_constant_speed(LSN(DISC, steps=10, dt=0.5, terms=["balloon"]), speed)
    with torch.no_grad():
        u = network.level_set(random_slices(1, 64))
    radius = math.sqrt(mask_area(u) / math.pi)
    assert radius == pytest.approx(0.2 * 64 + direction * 0.8 * 5, abs=0.35)  # pixels


def test_the_contour_moves_at_most_dt_pixels_a_step():
    network = with_constant_speed(LSN((0.5, 0.5, 0.05), steps=8, dt=0.5, terms=["balloon"]), 0.999)
    with torch.no_grad():
        u = network.level_set(random_slices(1, 48))
    far = scheme.signed_distance_to_disc(48, (23.5, 23.5), 0.05 * 48 + 8 * 0.5 + 0.5)
    assert not (u[0] > 0)[far < 0].any()


def test_each_term_switches_its_own_fields():
    slices = random_slices()
    for term, moved in (
        ("balloon", {"speed"}),
        ("transport", {"velocity_x", "velocity_y"}),
        ("curvature", {"curvature"}),
    ):
        fields = LSN(DISC, terms=[term]).fields(slices)
        active = {name for name, field in fields._asdict().items() if field.any()}
        assert active == moved, term
    everything = LSN(DISC).fields(slices)._asdict()
    assert all(field.any() for field in everything.values())
    assert everything["speed"].abs().max() < 1
    assert everything["curvature"].min() >= 0


@pytest.mark.parametrize("left_out", TERMS)
def test_leaving_a_term_out_changes_the_contour(left_out):
    whole = LSN(DISC, steps=10)
    part = LSN(DISC, steps=10, terms=[term for term in TERMS if term != left_out])
    part.load_state_dict(whole.state_dict())
    slices = random_slices()
    with torch.no_grad():
        difference = (whole.level_set(slices) - part.level_set(slices)).abs().max()
    assert float(difference) > 1e-3


def test_gradients_reach_every_parameter_of_an_active_term():
    network = LSN(DISC, steps=5)
    network(random_slices()).mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_edge_contrast_is_used():
    slices = random_slices()
    weak = LSN(DISC, edge_contrast=1.0, terms=["curvature"]).fields(slices).curvature
    strong = LSN(DISC, edge_contrast=20.0, terms=["curvature"]).fields(slices).curvature
    # alpha / (1 + c) at the strongest edge, alpha = 0.1.
    assert float(weak.detach().min()) == pytest.approx(0.1 / 2, rel=1e-5)
    assert float(strong.detach().min()) == pytest.approx(0.1 / 21, rel=1e-5)


def test_initial_contour_is_the_disc_at_any_size():
    for size in (32, 64):
        u = LSN((0.25, 0.67, 0.1)).initial(size)
        assert mask_area(u) == pytest.approx(math.pi * (0.1 * size) ** 2, rel=0.1)
        rows, columns = torch.nonzero(u > 0).double().mean(0) + 0.5
        assert float(rows) / size == pytest.approx(0.25, abs=0.01)
        assert float(columns) / size == pytest.approx(0.67, abs=0.01)


def test_a_binary_start_is_the_disc_itself():
    network, plain = LSN((0.4, 0.6, 0.2), start="binary"), LSN((0.4, 0.6, 0.2))
    u = network.initial(20)
    assert set(u.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(u > 0, plain.initial(20) > 0)
    # Where nothing is known yet the probability is 1/2, and after a step of 0.05 still nearly.
    outside = LSN((0.4, 0.6, 0.2), steps=1, dt=0.05, start="binary", readout="level_set")
    far = outside(random_slices(1, 20))[0, 0][u == 0]
    assert float((far - 0.5).abs().median().detach()) == 0.0


def test_from_a_binary_start_a_positive_speed_marks_whole_slices():
    """u is nowhere below 0 at the start, and even where it is flat |grad u| has a floor."""
    network = LSN((0.4, 0.6, 0.2), steps=1, dt=0.05, terms=["balloon"], start="binary")
    with_constant_speed(network, 0.5)
    u = network.level_set(random_slices(1, 20)).detach()
    flat = 0.05 * 0.5 * math.sqrt(GRADIENT_FLOOR)
    assert float(u.min()) == pytest.approx(flat, rel=1e-5)


def test_with_central_differences_the_scheme_is_the_central_one():
    """Against |grad u| and v . grad u written out."""
    network = LSN((0.5, 0.5, 0.3), steps=1, dt=0.05, differences="central")
    slices = random_slices(2, 24)
    u = torch.randn(2, 24, 24)
    fields = network.fields(slices)
    padded = torch.nn.functional.pad(u[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    along_x = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    along_y = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    plain = fields._replace(curvature=torch.zeros_like(fields.curvature))
    found = scheme.step(u, plain, network.stencils, 1.0) - u
    slope = (along_x**2 + along_y**2 + GRADIENT_FLOOR).sqrt()
    expected = fields.speed * slope + fields.velocity_x * along_x + fields.velocity_y * along_y
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_unknown_terms_and_none_at_all_are_refused():
    with pytest.raises(UpwindError, match=r"lsn\.terms.*ballon.*balloon"):
        LSN(DISC, terms=["ballon", "curvature"])
    with pytest.raises(UpwindError, match=r"lsn\.terms: none given"):
        LSN(DISC, terms=[])


@pytest.mark.parametrize("dt", [0.0, -0.1, 0.5001, float("nan")])
def test_a_time_step_beyond_the_stability_limit_is_refused(dt):
    with pytest.raises(UpwindError, match=r"lsn\.dt.*0\.5.*stability"):
        LSN(DISC, dt=dt)


def test_no_layers_of_their_own_for_the_steps():
    counts = {sum(p.numel() for p in LSN(DISC, steps=s).parameters()) for s in (1, 40)}
    assert len(counts) == 1  # all steps share nine stencils
    assert LSN(DISC).stencils.shape == (9, 3, 3)


def learn(network, updates=5):
    optimiser = torch.optim.Adadelta(network.parameters(), lr=1.0)
    for _ in range(updates):
        optimiser.zero_grad()
        network(random_slices()).square().mean().backward()
        optimiser.step()
    return network


def test_learned_stencils_stay_differences_unless_they_are_free():
    start = scheme.finite_differences()
    torch.manual_seed(0)
    kept = learn(LSN(DISC, steps=8)).stencils.detach()
    assert (kept - start).abs().max() > 1e-4
    torch.testing.assert_close(kept.sum((1, 2)), torch.zeros(9), rtol=0, atol=1e-6)
    free = learn(LSN(DISC, steps=8, **both("free"))).stencils.detach()
    assert free.sum((1, 2)).abs().max() > 1e-4
    fixed = learn(LSN(DISC, steps=8, **both("fixed"))).stencils.detach()
    torch.testing.assert_close(fixed, start, rtol=0, atol=0)


def both(rule):
    return {"upwind_stencils": rule, "curvature_stencils": rule}


@pytest.mark.parametrize(
    ("option", "still"),
    [("upwind_stencils", scheme.UPWIND), ("curvature_stencils", scheme.CENTRAL)],
)
def test_one_group_of_stencils_can_be_fixed_alone(option, still):
    stencils = learn(LSN(DISC, steps=8, **{option: "fixed"})).stencils.detach()
    moved = (stencils - scheme.finite_differences()).abs().amax(dim=(1, 2))
    assert moved[still].max() == 0
    assert moved.max() > 1e-4


def test_a_learned_edge_function_starts_as_the_fixed_one_and_moves():
    torch.manual_seed(0)
    learned = LSN(DISC, steps=8, edge="learned")
    torch.manual_seed(0)
    fixed = LSN(DISC, steps=8)
    slices = random_slices()
    torch.testing.assert_close(learned.edge(slices[:, 0]), fixed.edge(slices[:, 0]))
    assert not list(fixed.edge.parameters())
    before = {name: value.clone() for name, value in learned.edge.state_dict().items()}
    after = learn(learned).edge.state_dict()
    assert set(before) == {"log_contrast", "kernels"}
    assert all((after[name] - before[name]).abs().max() > 1e-5 for name in before)


def test_with_stencils_of_mean_zero_a_constant_added_to_u_is_only_added():
    torch.manual_seed(0)
    network = learn(LSN(DISC, steps=8))
    slices = random_slices()
    with torch.no_grad():
        u = network.initial(24).expand(len(slices), -1, -1)
        given = (network.fields(slices), network.stencils, 0.5, 8)
        torch.testing.assert_close(
            scheme.evolve(u + 50, *given), scheme.evolve(u, *given) + 50, rtol=0, atol=1e-3
        )


def test_the_readout_is_the_distance_whatever_the_slope():
    disc = scheme.signed_distance_to_disc(48, (23.2, 24.1), 13.0)[None]
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    towards_centre = ((rows - 23.2) ** 2 + (columns - 24.1) ** 2).sqrt() > 2
    inner = towards_centre & (disc[0].abs() < 8)
    for slope in (1.0, 3.0, 20.0):
        found = distance_from(slope * disc)[0]
        torch.testing.assert_close(found[inner], disc[0][inner], rtol=0.01, atol=0.01)
    flat = distance_from(0.1 * disc)[0]  # less steep than a distance: left as it is
    torch.testing.assert_close(flat, 0.1 * disc[0])


def test_the_readout_moves_no_contour():
    torch.manual_seed(0)
    slices = random_slices()
    torch.manual_seed(0)
    one = LSN(DISC, steps=8)
    torch.manual_seed(0)
    other = LSN(DISC, steps=8, readout="level_set")
    with torch.no_grad():
        p, q = one(slices), other(slices)
    assert torch.equal(p > 0.5, q > 0.5)
    assert not torch.allclose(p, q)


@pytest.mark.parametrize(
    "option", ["upwind_stencils", "curvature_stencils", "edge", "readout", "start", "differences"]
)
def test_an_unknown_rule_is_refused(option):
    with pytest.raises(UpwindError, match=rf"lsn\.{option}: 'loose'; choose from"):
        LSN(DISC, **{option: "loose"})


def test_half_precision_is_for_the_speed_and_never_for_the_steps():
    network = LSN(DISC, steps=20)
    slices = random_slices()
    with torch.no_grad():
        exact, fields = network.level_set(slices), network.fields(slices)
        with torch.autocast("cpu", torch.bfloat16):
            half, half_fields = network.level_set(slices), network.fields(slices)
    assert not torch.equal(half_fields.speed, fields.speed)
    for ours, theirs in zip(half_fields[1:], fields[1:], strict=True):
        assert torch.equal(ours, theirs)
    assert {f.dtype for f in (half, *half_fields)} == {torch.float32}
    # Twenty steps of half a pixel, with speeds that differ in the third digit.
    torch.testing.assert_close(half, exact, atol=0.1, rtol=0)


def test_compiling_leaves_the_weights_names_and_the_result():
    network = LSN(DISC, steps=4)
    slices, names = random_slices(), list(network.state_dict())
    with torch.no_grad():
        before = network(slices)
        network.compile(backend="eager")  # traced, but not translated: that takes a minute
        assert torch.equal(network(slices), before)
    assert list(network.state_dict()) == names


# What torch itself hides while it traces, but not where warnings are errors.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_a_compiled_step_gives_what_the_plain_one_does_there_and_back():
    """As on a GPU: step after step, the backward pass in chunks."""
    network = LSN(DISC, steps=5)
    network.compile(backend="aot_eager")
    fields = scheme.Fields(*(f.detach().requires_grad_() for f in network.fields(random_slices())))
    u = network.initial(24).expand(2, -1, -1)
    results = []
    for step in (scheme.step, network._step):
        stencils = scheme.finite_differences().requires_grad_()
        later = scheme.evolve_in_chunks(u, fields, stencils, 0.3, 5, step)
        gradients = torch.autograd.grad(later.square().mean(), (*fields, stencils))
        results.append((later, *gradients))
    for plain, compiled in zip(*results, strict=True):
        torch.testing.assert_close(compiled, plain)
