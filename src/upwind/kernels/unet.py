"""The layers of the paper's UNet, from a weights file and from before its training."""

import os

import torch

from upwind.common.errors import UpwindError
from upwind.kernels.layers import BOTTLENECK, DECODER, ENCODER, Layer
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, build, load_weights

# Of the paper's UNet layers 1 to 8 go down, 9 and 10 are the bottleneck, which counts to neither
# encoder nor decoder, and 11 to 18 go up.
_PARTS = {"down": ENCODER, "bottom": BOTTLENECK, "up": DECODER}


def unet_layers(path: str | os.PathLike[str]) -> list[Layer]:
    """The 18 layers of a UNet's weights file. Raises UpwindError for another network."""
    network, recipe = load_weights(path)
    return _layers_of_unet(network, recipe, path)


def initial_layers(path: str | os.PathLike[str], seed: int) -> list[Layer]:
    """The same layers before any training, with this seed (:func:`before_training`)."""
    with torch.random.fork_rng(devices=[]):  # to load them draws weights, too
        _, recipe = load_weights(path)
    return _layers_of_unet(before_training(recipe, seed), recipe, path)


def before_training(recipe: Recipe, seed: int) -> torch.nn.Module:
    """The network of a recipe as :func:`upwind.training.runs.run_fold` builds it with this seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(recipe)


def _layers_of_unet(network: torch.nn.Module, recipe: Recipe, path: object) -> list[Layer]:
    if not isinstance(network, UNet):
        raise UpwindError(f"{path} is a {recipe.network}; the kernel analysis reads a unet")
    names = {module: name for name, module in network.named_modules()}
    layers = network.layers()
    levels = len(network.down)
    found = []
    for place, layer in enumerate(layers):
        name = names[layer]
        # Halved on the way to the bottleneck, then doubled: after a level's convolutions on the way
        # up.
        level = place // 2
        found.append(
            Layer(
                number=place + 1,
                name=name,
                weights=layer.weight.detach().numpy(),
                groups=layer.groups,
                part=_PARTS[name.partition(".")[0]],
                halvings=min(level, 2 * levels + 1 - level),
            )
        )
    return found
