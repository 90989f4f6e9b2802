"""One run of a fold: both networks learn the toy problem, the same way each time."""

import numpy as np
import pytest
import torch

from upwind.networks.prior import disc_of
from upwind.networks.weights import Recipe, build
from upwind.training.examples import Examples
from upwind.training.runs import run_fold
from upwind.training.settings import TrainingSettings

WINDOW = (-100.0, 400.0)
RECIPES = {
    "unet": Recipe("unet", 32, WINDOW),
    "lsn": Recipe(
        "lsn",
        32,
        WINDOW,
        options={
            "disc_radius": 0.1,
            "steps": 15,
            "dt": 0.5,
            "terms": ["balloon", "transport", "curvature"],
            "channels": 8,
            "dilations": [1, 2, 4],
        },
    ),
}


def discs(n, seed, centre=(20, 12)):
    """Bright discs (150 HU) near ``centre`` in noise, on slices of 32 x 32."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((32, 32))
    masks = []
    for _ in range(n):
        row, column = centre + rng.uniform(-2, 2, 2)
        masks.append(np.hypot(rows - row, columns - column) < rng.uniform(4, 7))
    masks = np.array(masks)
    images = np.where(masks, 150, 20) + rng.normal(0, 20, masks.shape)
    return Examples(images.astype(np.int16), masks.astype(np.uint8))


def run(name, epochs=1, seed=0, training=None, heldout=None, **changes):
    settings = TrainingSettings(epochs=epochs, batch_size=4, device="cpu", **changes)
    training = training if training is not None else discs(20, 0)
    heldout = heldout if heldout is not None else discs(6, 1)
    return run_fold(RECIPES[name], training, heldout, settings, seed, name)


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_is_the_same_to_the_bit_for_the_same_seed_only(name):
    first, second, other = (run(name, seed=seed, epochs=2) for seed in (3, 3, 4))
    ours, theirs, others = (of.network.state_dict() for of in (first, second, other))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    averages = [of.averaged for of in (first, second)]
    assert all(torch.equal(averages[0][key], averages[1][key]) for key in ours)
    curves, again = first.curves, second.curves
    assert curves.drop(columns="seconds").equals(again.drop(columns="seconds"))
    assert any(not torch.equal(ours[key], others[key]) for key in ours)


def test_the_lsn_learns_the_toy_problem_and_its_stencils():
    trained = run("lsn", epochs=25)
    network, curves = trained.network, trained.curves
    assert curves["train_loss"].iloc[-1] < 0.5 * curves["train_loss"].iloc[0]
    assert curves["heldout_dsc"].iloc[-1] > 0.8
    start = build(run("lsn", epochs=1, learning_rate=1e-12).recipe).stencils
    assert float((network.stencils - start).detach().abs().max()) > 1e-3


def test_the_unet_learns_the_toy_problem():
    trained = run("unet", epochs=20)
    curves = trained.curves
    assert trained.recipe == RECIPES["unet"]
    assert curves["train_loss"].iloc[-1] < 0.5 * curves["train_loss"].iloc[0]
    assert curves["heldout_dsc"].iloc[-1] > 0.8


def test_the_disc_comes_from_the_training_patients_alone():
    training = discs(8, 0)
    elsewhere = discs(4, 1, centre=(8, 25))
    trained = run("lsn", training=training, heldout=elsewhere)
    network, recipe = trained.network, trained.recipe
    assert recipe.options["disc"] == disc_of(training.masks, 0.1) == network.disc
    assert "disc_radius" not in recipe.options
    assert network.disc[:2] == pytest.approx((20.5 / 32, 12.5 / 32), abs=2 / 32)
    assert "disc" not in RECIPES["lsn"].options  # the caller's recipe is left alone


def test_the_returned_recipe_rebuilds_the_network():
    trained = run("lsn")
    network = trained.network
    again = build(trained.recipe)
    again.load_state_dict(network.state_dict())
    again.to(memory_format=torch.channels_last)  # as training left the other
    slices = torch.rand((1, 1, 32, 32))
    with torch.no_grad():
        assert torch.equal(again(slices), network.eval()(slices))


def test_initial_weights_follow_the_seed_whatever_was_drawn_before():
    torch.manual_seed(99)
    torch.rand(17)
    first = run("unet").network.state_dict()
    torch.manual_seed(1)
    second = run("unet").network.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
