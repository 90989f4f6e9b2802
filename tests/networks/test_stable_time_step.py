"""The stable time step of a level set network, and what half of its time step changes."""

import numpy as np
import pytest
import torch

from upwind.levelset.equation import scheme
from upwind.networks.lsn import LSN
from upwind.networks.prior import disc_of
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe
from upwind.scores.metrics import overlap
from upwind.segmentation.predict import segment_slices
from upwind.training.examples import Examples
from upwind.training.loop import train
from upwind.training.runs import remark_on
from upwind.training.settings import TrainingSettings

WINDOW = (-100.0, 400.0)
DISC = (0.5, 0.4, 0.2)


def discs(n, seed):
    """Bright discs (150 HU) in noise, on slices of 32 x 32."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((32, 32))
    places = rng.uniform((18, 10, 4), (22, 14, 7), (n, 3))
    masks = np.array([np.hypot(rows - y, columns - x) < radius for y, x, radius in places])
    images = np.where(masks, 150, 20) + rng.normal(0, 20, masks.shape)
    return Examples(images.astype(np.int16), masks.astype(np.uint8))


def balloon_of(speed):
    """A network whose only term has this speed everywhere."""
    network = LSN(DISC, steps=3, terms=["balloon"], channels=2, dilations=[1])
    torch.nn.init.zeros_(network.speed.head.weight)
    torch.nn.init.constant_(network.speed.head.bias, float(np.arctanh(speed)))
    return network


@pytest.mark.parametrize("speed", [0.5, -0.8])
def test_of_a_balloon_alone_it_is_half_a_pixel_by_its_speed(speed):
    slices = torch.zeros(45, 1, 16, 16)
    assert balloon_of(speed).stable_time_step(slices) == pytest.approx(0.5 / abs(speed))


def test_curvature_takes_four_times_its_weight_off():
    """dt (2 |F| + 4 alpha g) <= 1; g is 1 on slices without edges."""
    network = LSN(DISC, steps=3, terms=["curvature"], channels=2, dilations=[1])
    torch.nn.init.constant_(network.raw_alpha, float(np.log(np.expm1(0.25))))
    assert network.stable_time_step(torch.zeros(2, 1, 16, 16)) == pytest.approx(1.0)


def test_the_slice_with_the_largest_fields_decides():
    network = LSN(DISC, steps=3, channels=4, dilations=[1, 2])
    slices = torch.rand(50, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    alone = [network.stable_time_step(one[None]) for one in slices]
    assert network.stable_time_step(slices) == pytest.approx(min(alone), rel=1e-6)


def test_the_log_says_it_of_level_set_networks_alone():
    heldout = Examples(np.full((3, 16, 16), 150, np.int16), np.zeros((3, 16, 16), np.uint8))
    line = remark_on(balloon_of(0.8), heldout, WINDOW)
    assert line is not None
    assert "is 0.625 on the held-out slices; lsn.dt, 0.5, is within it" in line
    network = balloon_of(0.99)
    network.terms = ("balloon", "curvature")
    line = remark_on(network, heldout, WINDOW)
    assert line is not None
    assert line.endswith("lsn.dt, 0.5, is beyond it")
    assert remark_on(UNet(), heldout, WINDOW) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"differences": "central"}, "central differences"),
        ({"upwind_stencils": "free"}, "free stencils"),
        ({"curvature_stencils": "free"}, "free stencils"),
        (
            {"differences": "central", "curvature_stencils": "free"},
            "central differences and free stencils",
        ),
    ],
)
def test_the_log_vouches_for_no_time_step_that_no_limit_is_known_of(options, said):
    network = LSN(DISC, steps=3, channels=2, dilations=[1], dt=0.05, **options)
    line = network.remark(torch.zeros(2, 1, 16, 16))
    assert line == f"no time step is known to be stable with {said}"


@pytest.mark.parametrize(
    "options",
    [
        {"terms": ["curvature"], "differences": "central", "upwind_stencils": "free"},
        {"terms": ["balloon"], "curvature_stencils": "free"},
        {"upwind_stencils": "fixed", "curvature_stencils": "fixed"},
    ],
)
def test_stencils_that_no_term_uses_leave_the_limit_as_it_is(options):
    network = LSN(DISC, steps=3, channels=2, dilations=[1], dt=0.05, **options)
    assert network.remark(torch.zeros(2, 1, 16, 16)).endswith("lsn.dt, 0.05, is within it")


def test_central_differences_are_stable_at_no_time_step():
    """Why no limit is known of them: what noise there is grows, at any step, where by the upwind
    scheme it does not; the limit by the formula is 0.56."""
    noise = 0.01 * torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(0))
    u = scheme.signed_distance_to_disc(64, (31.0, 31.0), 10.0)[None] + noise
    zero = torch.zeros_like(u)
    fields = scheme.Fields(zero - 0.9, zero, zero, zero)
    largest = {}
    for differences in ("upwind", "central"):
        stencils = LSN(DISC, steps=3, differences=differences).stencils
        with torch.no_grad():
            for dt, steps in ((0.5, 56), (0.05, 560)):
                evolved = scheme.evolve(u, fields, stencils, dt, steps)
                largest[differences, dt] = float(evolved.abs().max())
    bound = float(u.abs().max()) + 0.9 * 28 + 1
    assert max(largest["upwind", dt] for dt in (0.5, 0.05)) < bound
    assert min(largest["central", dt] for dt in (0.5, 0.05)) > 10 * bound


def test_half_the_time_step_moves_hardly_a_pixel_of_a_trained_network():
    """Beyond the limit of the whole equation the solution would not be that of the equation, and
    half of the step, twice as often, would change it."""
    training, heldout = discs(24, 0), discs(8, 1)
    settings = TrainingSettings(epochs=6, batch_size=4, window=WINDOW, device="cpu")
    options = {"disc": disc_of(training.masks, 0.1), "steps": 16, "channels": 8}
    torch.manual_seed(0)
    network = LSN(**options)
    train(network, training, heldout, settings, 0, torch.device("cpu"))
    assert network.stable_time_step(torch.from_numpy(heldout.images).float()[:, None]) < 0.5
    found = []
    for share in (1, 2):
        refined = LSN(**options | {"steps": 16 * share}, dt=0.5 / share)
        refined.load_state_dict(network.state_dict())
        mask = segment_slices(refined, heldout.images, Recipe("lsn", 32, WINDOW)) > 0
        found.append(overlap(mask, heldout.masks > 0)["dsc"])
    assert found[0] > 0.8
    assert found[1] == pytest.approx(found[0], abs=0.01)
