"""The training loop on problems small enough to know the answer."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from upwind.data.intensity import rescale
from upwind.training import loop
from upwind.training.adadelta import Adadelta
from upwind.training.device import describe_device, use_device
from upwind.training.examples import Examples
from upwind.training.feeding import PlacedSlices
from upwind.training.loop import evaluate, train
from upwind.training.loss import squared_dsc_loss
from upwind.training.rate import share_of_rate
from upwind.training.settings import TrainingSettings
from upwind.training.state import CURVE_COLUMNS
from upwind.training.verdict import verdict

CPU = torch.device("cpu")


def toy_examples(n, seed=0, size=16):
    """Bright rectangles (200 HU) in noise: the liver is what is bright."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((n, size, size), np.uint8)
    for mask in masks:
        top, left = rng.integers(0, size // 2, 2)
        mask[top : top + size // 2, left : left + size // 2] = 1
    images = np.where(masks > 0, 200, 0) + rng.normal(0, 40, masks.shape)
    return Examples(images.astype(np.int16), masks)


class Pixelwise(nn.Module):
    """sigmoid(30 (a x + b)): the smallest network that can solve the toy problem. Adadelta's first
    steps are small; the factor makes them count."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1)
        nn.init.normal_(self.layer.weight, std=0.01)
        nn.init.zeros_(self.layer.bias)

    def forward(self, slices):
        return torch.sigmoid(30 * self.layer(slices))


class Poisoned(Pixelwise):
    """Gives NaN from the ``first``-th training batch on."""

    def __init__(self, first):
        super().__init__()
        self.first, self.batches = first, 0

    def forward(self, slices):
        self.batches += self.training
        spoiled = float("nan") if self.batches >= self.first else 1.0
        return super().forward(slices) * spoiled


def trained(network_class, epochs, *arguments, seed=0, **changes):
    torch.manual_seed(7)
    network = network_class(*arguments)
    settings = TrainingSettings(epochs=epochs, **{"batch_size": 4, "device": "cpu"} | changes)
    device = use_device("cpu", 1)
    outcome = train(network, toy_examples(10), toy_examples(4, seed=1), settings, seed, device)
    return network, outcome.curves


def same_weights(a, b):
    a, b = a.state_dict(), b.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


def test_loss_goes_down_and_the_toy_problem_is_solved():
    _, curves = trained(Pixelwise, epochs=25)
    assert list(curves.columns) == list(CURVE_COLUMNS)
    assert curves["epoch"].tolist() == list(range(1, 26))
    assert curves["train_loss"].iloc[-1] < 0.5 * curves["train_loss"].iloc[0]
    assert curves["heldout_loss"].iloc[-1] < curves["heldout_loss"].iloc[0]
    assert curves["heldout_dsc"].iloc[-1] > 0.95
    assert curves["seconds"].is_monotonic_increasing
    assert not verdict(curves, 0.5)["failed"]


def test_the_same_seed_gives_the_same_weights_to_the_bit_and_another_does_not():
    first, first_curves = trained(Pixelwise, epochs=3)
    second, second_curves = trained(Pixelwise, epochs=3)
    other, _ = trained(Pixelwise, epochs=3, seed=1)
    assert same_weights(first, second)
    assert first_curves.drop(columns="seconds").equals(second_curves.drop(columns="seconds"))
    assert not same_weights(first, other)


def test_training_equals_keras_adadelta_written_out():
    # One batch an epoch, so the order of slices does not matter.
    ours, curves = trained(Pixelwise, epochs=3, batch_size=10)
    torch.manual_seed(7)
    network, data = Pixelwise(), toy_examples(10)
    slices = rescale(torch.from_numpy(data.images).float(), (-100.0, 400.0))[:, None]
    masks = torch.from_numpy(data.masks).float()[:, None]
    parameters = list(network.parameters())
    squares, updates = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    losses = []
    for _ in range(3):
        loss = squared_dsc_loss(network(slices), masks)
        losses.append(float(loss.detach()))
        gradients = torch.autograd.grad(loss, parameters)
        for i, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
            squares[i] = 0.95 * squares[i] + 0.05 * gradient**2
            update = gradient * torch.sqrt(updates[i] + 1e-7) / torch.sqrt(squares[i] + 1e-7)
            updates[i] = 0.95 * updates[i] + 0.05 * update**2
            parameter.data -= 1.0 * update
    np.testing.assert_allclose(curves["train_loss"], losses, rtol=1e-5)
    for mine, theirs in zip(ours.parameters(), parameters, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rule", ["constant", "falls"])
def test_each_update_has_its_rate(monkeypatch, rule):
    used, update = [], Adadelta._update

    def spying(self, weights, lr, rho, eps):
        used.append(lr)
        update(self, weights, lr, rho, eps)

    monkeypatch.setattr(Adadelta, "_update", spying)
    trained(Pixelwise, epochs=4, batch_size=5, rate=rule)  # two batches an epoch
    assert used == [share_of_rate(rule, done, 8) for done in range(8)]


def test_every_slice_is_seen_once_an_epoch_in_another_order():
    seen = []

    class Spy(Pixelwise):
        def forward(self, slices):
            if self.training:
                seen.append([round(float(s.mean()), 6) for s in slices])
            return super().forward(slices)

    trained(Spy, epochs=2)
    assert [len(batch) for batch in seen] == [4, 4, 2, 4, 4, 2]
    first, second = ([*a, *b, *c] for a, b, c in (seen[:3], seen[3:]))
    assert len(set(first)) == 10
    assert sorted(first) == sorted(second)
    assert first != second


def test_the_epochs_loss_weighs_slices_not_batches():
    # With a learning rate of almost nothing the loss of an epoch is that of the whole data.
    network, curves = trained(Pixelwise, epochs=1, learning_rate=1e-12)
    data = toy_examples(10)
    slices = rescale(torch.from_numpy(data.images).float(), (-100.0, 400.0))[:, None]
    masks = torch.from_numpy(data.masks).float()[:, None]
    with torch.no_grad():
        loss = float(squared_dsc_loss(network(slices), masks))
    assert curves["train_loss"].iloc[0] == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("first_bad_batch", [7, 8, 9])  # of epoch 3; three batches an epoch
def test_a_loss_that_is_not_finite_stops_with_the_last_finite_weights(first_bad_batch):
    network, curves = trained(Poisoned, 6, first_bad_batch)
    reference, reference_curves = trained(Pixelwise, 2)
    assert curves["epoch"].tolist() == [1, 2, 3]
    assert math.isnan(curves["train_loss"].iloc[-1])
    assert same_weights(network, reference)
    assert all(torch.isfinite(p).all() for p in network.parameters())
    np.testing.assert_array_equal(curves["train_loss"][:2], reference_curves["train_loss"])
    result = verdict(curves, 0.0)
    assert result["failed"] is True
    assert "epoch 3" in result["reason"]


def test_never_finite_keeps_the_initial_weights():
    network, curves = trained(Poisoned, 4, 1)
    torch.manual_seed(7)
    assert same_weights(network, Poisoned(1))
    assert len(curves) == 1
    assert verdict(curves, 0.0)["failed"] is True


def test_evaluation_by_hand():
    class Given(nn.Module):
        def forward(self, slices):
            return (slices + 1) / 2

    # Window 0 to 100 HU: probabilities 0.8, 0.2 and 0.6, 0.6 against 1, 0 and 0, 1.
    images = torch.tensor([[[80, 20]], [[60, 60]]], dtype=torch.int16)
    masks = torch.tensor([[[1, 0]], [[0, 1]]], dtype=torch.uint8)
    settings = TrainingSettings(epochs=1, window=(0.0, 100.0), batch_size=1)
    loss, dsc = evaluate(Given(), PlacedSlices(images, masks, CPU), settings)
    first = (0.04 + 0.04 + 1e-5) / (1 + 0.64 + 0.04 + 2e-5)
    second = (0.36 + 0.16 + 1e-5) / (1 + 0.36 + 0.36 + 2e-5)
    assert loss == pytest.approx((first + second) / 2, rel=1e-5)
    assert dsc == pytest.approx(2 * 2 / (3 + 2))  # pooled over both slices


def test_evaluation_without_any_liver_is_undefined_and_changes_nothing():
    network = Pixelwise()
    with torch.no_grad():
        network.layer.bias.fill_(-100.0)
    before = [p.detach().clone() for p in network.parameters()]
    empty = (torch.zeros((3, 4, 4), dtype=torch.int16), torch.zeros((3, 4, 4), dtype=torch.uint8))
    _, dsc = evaluate(network, PlacedSlices(*empty, CPU), TrainingSettings(epochs=1))
    assert math.isnan(dsc)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_defaults_are_the_papers_and_keras():
    settings = TrainingSettings(epochs=40)
    assert (settings.batch_size, settings.learning_rate) == (20, 1.0)
    assert (settings.rho, settings.epsilon) == (0.95, 1e-7)
    assert settings.window == (-100.0, 400.0)


class Spy(Pixelwise):
    """Keeps in what precision it was called, in training and in evaluation."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def forward(self, slices):
        result = super().forward(slices)
        self.seen.add((self.training, result.dtype))
        return result


def test_half_precision_is_for_training_and_the_loss_stays_single():
    network, curves = trained(Spy, epochs=25, precision="bfloat16")
    assert network.seen == {(True, torch.bfloat16), (False, torch.float32)}
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert curves["heldout_dsc"].iloc[-1] > 0.95
    exact, exact_curves = trained(Spy, epochs=25)
    assert exact.seen == {(True, torch.float32), (False, torch.float32)}
    assert not same_weights(network, exact)
    np.testing.assert_allclose(curves["heldout_loss"], exact_curves["heldout_loss"], atol=0.02)


def test_compilation_is_asked_for_once_with_a_batch_and_changes_nothing_else(monkeypatch):
    asked = []
    monkeypatch.setattr(
        loop,
        "compile_network",
        lambda network, images, masks, precision: asked.append((tuple(images.shape), precision)),
    )
    settings = {"epochs": 2, "precision": "bfloat16"}
    compiled, _ = trained(Pixelwise, compile=True, **settings)
    plain, _ = trained(Pixelwise, **settings)
    assert asked == [((4, 1, 16, 16), "bfloat16")]
    assert same_weights(compiled, plain)


def test_the_log_names_the_device_and_that_a_cpu_is_deterministic(capsys):
    trained(Pixelwise, epochs=1, deterministic=True)
    said = capsys.readouterr().err
    assert f"training: on {describe_device(CPU)}" in said
    assert "deterministic: on the CPU training always is" in said


def test_signals_are_left_alone_without_checkpoints(monkeypatch):
    caught = []
    real = loop.catching_signals
    monkeypatch.setattr(loop, "catching_signals", lambda on: caught.append(on) or real(on))
    trained(Pixelwise, epochs=1)
    assert caught == [False]


class Normalised(Pixelwise):
    """A network with buffers, which a batch changes before its end."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, slices):
        return super().forward(self.norm(slices))


@pytest.mark.parametrize(("network_class", "allowed"), [(Pixelwise, True), (Normalised, False)])
def test_a_batch_that_changes_buffers_is_not_ended_in_its_midst(
    network_class, allowed, monkeypatch
):
    asked = set()
    real = loop.Interruption.anytime

    def anytime(self, allowed=True):
        asked.add(allowed)
        return real(self, allowed)

    monkeypatch.setattr(loop.Interruption, "anytime", anytime)
    trained(network_class, epochs=1)
    assert asked == {allowed, True}  # evaluation changes nothing
