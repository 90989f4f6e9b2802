"""The training loop, the same for every network."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
import torch
from torch import nn

from upwind.common.errors import UpwindError
from upwind.common.progress import track
from upwind.training.averaging import Tensors
from upwind.training.checkpoints import Checkpoints
from upwind.training.compilation import compile_network
from upwind.training.device import describe_device, make_deterministic
from upwind.training.examples import Examples
from upwind.training.feeding import PlacedSlices, batches, place
from upwind.training.interruption import Interrupted, Interruption, catching_signals
from upwind.training.loss import squared_dsc_loss
from upwind.training.precision import probability_in
from upwind.training.rate import share_of_rate
from upwind.training.settings import TrainingSettings, updates_an_epoch
from upwind.training.state import Readings, TrainingState


@dataclass(frozen=True)
class Outcome:
    """What a training leaves beside its network: its ``curves``, one row an epoch: epoch,
    train_loss, heldout_loss, heldout_dsc, seconds spent so far; the average of its weights
    (:mod:`upwind.training.averaging`) by their names; and, by epoch, the weights that were kept."""

    curves: pd.DataFrame
    averaged: Tensors
    kept: Mapping[int, Readings]


def train(
    network: nn.Module,
    training: Examples,
    heldout: Examples,
    settings: TrainingSettings,
    seed: int,
    device: torch.device,
    name: str = "training",
    checkpoints: Checkpoints | None = None,
) -> Outcome:
    """Train ``network`` in place by Adadelta on the squared-DSC loss.

    ``seed`` fixes the order of the slices (the caller seeds the initial weights), ``device`` is
    that of :func:`upwind.training.device.use_device`. Where the loss is no longer finite, training
    stops there, with the weights of the last finite epoch, and their average then.

    With ``checkpoints`` it goes on from the newest of them, and a signal to stop saves the state
    and raises UpwindError. On CPU the weights are then the same to the bit as without interruption.
    """
    print(f"{name}: on {describe_device(device)}", file=sys.stderr)
    if settings.deterministic:
        print(f"{name}: {make_deterministic(device)}", file=sys.stderr)
    # Documented, but not among torch's annotated forms.
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = TrainingState(network, settings, seed)
    if checkpoints is not None:
        checkpoints.resume(state)
    if not state.finished:
        slices, held = place((training, heldout), device)
        if settings.compile:
            first = next(batches(slices, settings, torch.arange(len(slices))))
            compile_network(network, *first, settings.precision)
        with catching_signals(checkpoints is not None) as interruption:
            _run(state, slices, held, settings, name, checkpoints, interruption)
    return Outcome(state.curves(), state.averaged.values, state.kept)


@torch.no_grad()
def evaluate(
    network: nn.Module, slices: PlacedSlices, settings: TrainingSettings
) -> tuple[float, float]:
    """Mean squared-DSC loss over slices, and DSC at 0.5 pooled over them; in single precision, as
    predictions are."""
    network.eval()
    sums = []
    for images, masks in batches(slices, settings, torch.arange(len(slices))):
        probability = network(images)
        mask = probability > 0.5
        loss = squared_dsc_loss(probability, masks)
        overlap, total = (mask * masks).sum(), mask.sum() + masks.sum()
        sums.append(torch.stack([loss.double() * len(images), overlap.double(), total.double()]))
    # Brought back once: a GPU would have to stop for each batch.
    losses, overlaps, totals = map(sum, zip(*torch.stack(sums).tolist(), strict=True))
    return losses / len(slices), 2 * overlaps / totals if totals else float("nan")


def _run(
    state: TrainingState,
    slices: PlacedSlices,
    held: PlacedSlices,
    settings: TrainingSettings,
    name: str,
    checkpoints: Checkpoints | None,
    interruption: Interruption,
) -> None:
    left, before = _epochs_left(state), state.epoch - 1
    try:
        for _ in track(left, settings.epochs, f"{name}: epoch", done_before=before):
            _train_epoch(state, slices, held, settings, checkpoints, interruption)
    except Interrupted:
        if checkpoints is None:  # no signal is caught without them
            raise
        checkpoints.save(state)
        raise UpwindError(
            f"{name}: stopped by {interruption.received} at {state.position}; it is saved in "
            f"{checkpoints.path}, and the next run goes on from there"
        ) from None
    if checkpoints is not None:
        checkpoints.save(state)


def _epochs_left(state: TrainingState) -> Iterator[int]:
    while not state.finished:
        yield state.epoch


def _train_epoch(
    state: TrainingState,
    slices: PlacedSlices,
    held: PlacedSlices,
    settings: TrainingSettings,
    checkpoints: Checkpoints | None,
    interruption: Interruption,
) -> None:
    """What is left of the epoch under way."""
    state.network.train()
    order = state.draw_order(len(slices))
    updates = settings.epochs * updates_an_epoch(len(slices), settings.batch_size)
    for images, masks in batches(slices, settings, order, first=state.batch):
        share = share_of_rate(settings.rate, state.updates, updates)
        state.optimiser.param_groups[0]["lr"] = settings.learning_rate * share
        _update(state, images, masks, settings, interruption)
        if checkpoints is not None:
            checkpoints.save_if_due(state)
        interruption.check()
    with interruption.anytime():
        heldout_loss, heldout_dsc = evaluate(state.network, held, settings)
    sizes = [len(chosen) for chosen in order.split(settings.batch_size)]
    state.end_epoch(sizes, heldout_loss, heldout_dsc)


def _update(
    state: TrainingState,
    images: torch.Tensor,
    masks: torch.Tensor,
    settings: TrainingSettings,
    interruption: Interruption,
) -> None:
    # Up to the optimiser's step nothing that is kept changes, but for buffers (batch
    # normalisation's, say; neither of our networks has one).
    with interruption.anytime(allowed=not any(True for _ in state.network.buffers())):
        state.optimiser.zero_grad(set_to_none=True)
        probability = probability_in(settings.precision, state.network, images)
        loss = squared_dsc_loss(probability, masks)
        loss.backward()
    state.optimiser.step()
    state.end_batch(loss.detach())
