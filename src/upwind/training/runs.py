"""One training run: the network of a recipe, on one fold."""

from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import nn

from upwind.data.intensity import rescale
from upwind.networks.network import Remarking, SegmentationNetwork
from upwind.networks.weights import Recipe, build, network_class
from upwind.training.cache_key import run_parts
from upwind.training.checkpoints import CheckpointPlace, Checkpoints
from upwind.training.device import describe_device, use_device
from upwind.training.examples import Examples
from upwind.training.locking import one_at_a_time
from upwind.training.loop import Outcome, train
from upwind.training.settings import TrainingSettings


@dataclass(frozen=True)
class Trained(Outcome):
    """A training's outcome, with its network, by its last weights, and its complete recipe."""

    network: nn.Module
    recipe: Recipe


def run_fold(
    recipe: Recipe,
    training: Examples,
    heldout: Examples,
    settings: TrainingSettings,
    seed: int,
    name: str,
    place: CheckpointPlace | None = None,
) -> Trained:
    """Build and train a network.

    ``recipe.options`` are the user's; what the network takes from its training patients (the
    LSN's initial disc) is added to them here, so that it is kept with the weights. With a
    ``place`` for checkpoints the run goes on where an earlier one of the same settings, data and
    code was interrupted; while another process is in the same run, this one waits.
    """
    device = use_device(settings.device, settings.cpu_threads)
    form = cast("type[SegmentationNetwork]", network_class(recipe.network))
    completed = form.options_from(recipe.options, training.masks)
    recipe = replace(recipe, options=completed)
    torch.manual_seed(seed)
    network = build(recipe)
    if place is None:
        outcome = train(network, training, heldout, settings, seed, device, name)
        return Trained(**vars(outcome), network=network, recipe=recipe)
    where = describe_device(device)
    parts = run_parts(recipe, settings, seed, training, heldout, where)
    checkpoints = Checkpoints(place, parts, where, name)
    with one_at_a_time(checkpoints.lock, name):
        outcome = train(network, training, heldout, settings, seed, device, name, checkpoints)
    return Trained(**vars(outcome), network=network, recipe=recipe)


def remark_on(network: nn.Module, heldout: Examples, window: tuple[float, float]) -> str | None:
    """What a training's log says of its network beside its curves
    (:class:`upwind.networks.network.Remarking`); None of most."""
    if not isinstance(network, Remarking):
        return None
    device = next(network.parameters()).device
    images = torch.from_numpy(heldout.images).to(device).float()
    return network.remark(rescale(images, window)[:, None])
