"""A state that is restored goes on to the same bits."""

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from upwind.training.settings import TrainingSettings
from upwind.training.state import CURVE_COLUMNS, TrainingState

SETTINGS = TrainingSettings(epochs=3)


def network(seed=0):
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.Dropout(0.5), nn.Conv2d(3, 1, 3))
    return layers.to(memory_format=torch.channels_last)


def advance(state, batches):
    """Batches of data drawn from torch's own generator, which dropout uses too."""
    for _ in range(batches):
        state.optimiser.zero_grad()
        loss = (state.network(torch.rand(2, 1, 6, 6)) ** 2).mean()
        loss.backward()
        state.optimiser.step()
        state.end_batch(loss.detach())


def same(a, b):
    assert a.keys() == b.keys()
    return all(torch.equal(a[name], b[name]) for name in a)


def weights_of(state):
    return {name: value.clone() for name, value in state.network.state_dict().items()}


def begun():
    state = TrainingState(network(), SETTINGS, seed=5)
    advance(state, 3)
    state.end_epoch([2, 2, 1], 0.5, 0.25)
    advance(state, 2)
    return state


def test_a_restored_state_is_the_same_and_goes_on_the_same():
    other = TrainingState(network(seed=9), SETTINGS, seed=6)
    state = begun()
    numbers = state.numbers()
    kept = {name: value.clone() for name, value in state.tensors().items()}
    advance(state, 2)
    other.restore(numbers, kept)
    assert same(other.tensors(), kept)
    assert (other.epoch, other.batch, other.updates) == (2, 2, 5)
    assert torch.equal(other.draw_order(50), state.draw_order(50))
    advance(other, 2)
    assert same(other.tensors(), state.tensors())
    assert other.position == state.position == "epoch 2 of 3, batch 5"


def test_the_optimisers_state_keeps_its_layout():
    state, other = begun(), TrainingState(network(), SETTINGS, seed=5)
    other.restore(state.numbers(), state.tensors())
    for parameter, mine in state.optimiser.state.items():
        theirs = next(
            v
            for p, v in other.optimiser.state.items()
            if p.shape == parameter.shape and torch.equal(p, parameter)
        )
        for name, value in mine.items():
            assert value.stride() == theirs[name].stride(), name


def test_each_epoch_has_an_order_of_its_own_whenever_it_is_asked_for():
    state = TrainingState(network(), SETTINGS, seed=5)
    first = state.draw_order(20)
    assert torch.equal(first, state.draw_order(20))
    advance(state, 1)
    state.end_epoch([2], 0.5, 0.5)
    second = state.draw_order(20)
    assert not torch.equal(first, second)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(20))
    reference = torch.Generator().manual_seed(5)
    assert torch.equal(first, torch.randperm(20, generator=reference))
    assert torch.equal(second, torch.randperm(20, generator=reference))


def test_curves_survive_with_every_digit():
    state = begun()
    other = TrainingState(network(), SETTINGS, seed=5)
    other.restore(state.numbers(), state.tensors())
    pd.testing.assert_frame_equal(state.curves(), other.curves(), check_exact=True)
    assert list(other.curves().columns) == list(CURVE_COLUMNS)
    assert other.curves()["epoch"].tolist() == [1]


def test_an_epochs_loss_weighs_slices():
    state = TrainingState(network(), SETTINGS, seed=5)
    for loss in (0.5, 0.25, 1.0):
        state.end_batch(torch.tensor(loss))
    state.end_epoch([4, 4, 2], 0.1, 0.2)
    assert state.rows[0][:4] == (1, 0.5, 0.1, 0.2)


def test_seconds_go_on_from_those_spent_before(monkeypatch):
    clock = iter([100.0, 107.0, 1000.0, 1005.0])
    monkeypatch.setattr("upwind.training.state.time.monotonic", lambda: next(clock))
    state = TrainingState(network(), SETTINGS, seed=5)
    numbers = state.numbers()
    assert numbers["seconds"] == 7.0
    state.restore(numbers, state.tensors())
    assert state.seconds == 12.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_the_run_with_the_last_finite_weights(bad):
    state = TrainingState(network(), SETTINGS, seed=5)
    advance(state, 1)
    state.end_epoch([2], 0.5, 0.5)
    kept = {name: value.clone() for name, value in state.network.state_dict().items()}
    averaged = {name: value.clone() for name, value in state.averaged.values.items()}
    advance(state, 1)
    state.end_batch(torch.tensor(bad))
    state.end_epoch([2, 2], 0.5, 0.5)
    assert state.finished
    assert state.position == "finished"
    assert same(dict(state.network.state_dict()), kept)
    assert same(state.averaged.values, averaged)
    assert not np.isfinite(state.rows[-1][1])


@pytest.mark.parametrize("diverged", [1, 2, 3])
def test_a_run_that_ends_early_keeps_what_it_ended_with_for_the_epochs_to_come(diverged):
    state = TrainingState(network(), SETTINGS.changed(kept=(1, 2, 3)), seed=5)
    finite = [weights_of(state)]
    for epoch in range(1, diverged + 1):
        advance(state, 1)
        if epoch < diverged:
            finite.append(weights_of(state))
        else:
            state.end_batch(torch.tensor(float("nan")))
        state.end_epoch([2] * state.batch, 0.5, 0.5)
    assert state.finished
    other = TrainingState(network(seed=9), SETTINGS, seed=6)
    other.restore(state.numbers(), load(save(state.tensors())))
    for run in (state, other):
        assert sorted(run.kept) == [1, 2, 3]
        for epoch, readings in run.kept.items():
            assert same(readings["last"], finite[min(epoch, diverged - 1)])
    assert same(state.kept[3]["averaged"], state.averaged.values)


def test_weights_that_are_kept_are_those_of_their_epochs_and_survive():
    state = TrainingState(network(), SETTINGS.changed(kept=(1, 3)), seed=5)
    expected = {}
    for epoch in (1, 2, 3):
        advance(state, 2)
        now = {name: value.clone() for name, value in state.network.state_dict().items()}
        expected[epoch] = now
        state.end_epoch([2, 2], 0.5, 0.5)
    assert sorted(state.kept) == [1, 3]
    other = TrainingState(network(seed=9), SETTINGS, seed=6)
    saved = load(save(state.tensors()))  # whose tensors may not share memory
    other.restore(state.numbers(), saved)
    for epoch in (1, 3):
        assert same(other.kept[epoch]["last"], expected[epoch])
        assert same(other.kept[epoch]["averaged"], state.kept[epoch]["averaged"])
    assert not same(other.kept[1]["averaged"], other.kept[1]["last"])


def test_the_last_epoch_finishes_the_run():
    state = TrainingState(network(), SETTINGS, seed=5)
    for epoch in range(3):
        assert (state.epoch, state.finished) == (epoch + 1, False)
        advance(state, 1)
        state.end_epoch([2], 0.5, 0.5)
    assert state.finished
