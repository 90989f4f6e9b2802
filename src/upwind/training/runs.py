"""One training run: the network of a recipe, on one fold."""

from dataclasses import replace

import pandas as pd
import torch
from torch import nn

from upwind.networks.weights import Recipe, build
from upwind.training.examples import Examples
from upwind.training.loop import TrainingSettings, train
from upwind.training.prior import disc_of


def run_fold(
    recipe: Recipe,
    training: Examples,
    heldout: Examples,
    settings: TrainingSettings,
    seed: int,
    name: str,
) -> tuple[nn.Module, Recipe, pd.DataFrame]:
    """Build and train a network; return it, its complete recipe and its curves.

    ``recipe.options`` are the user's; what the network takes from its training patients (the
    LSN's initial disc) is added to them here, so that it is kept with the weights.
    """
    if recipe.network == "lsn":
        recipe = replace(recipe, options=_with_disc(recipe.options, training))
    torch.manual_seed(seed)
    network = build(recipe)
    curves = train(network, training, heldout, settings, seed, name)
    return network, recipe, curves


def _with_disc(options: dict, training: Examples) -> dict:
    options = dict(options)
    radius = options.pop("disc_radius")
    return {"disc": disc_of(training.masks, radius), **options}
