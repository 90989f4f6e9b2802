"""Convolution layers as the kernel analysis sees them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from upwind.common.errors import UpwindError

# Parts of a network; layers of one that is not known to have any are all in the last.
ENCODER, BOTTLENECK, DECODER, WHOLE = "encoder", "bottleneck", "decoder", "all"
# What a network is, in the column `network` of every table: as trained, at initialisation, trained
# from another seed, and the level set network.
TRAINED, INITIAL, SECOND_SEED, LSN = "trained", "initial", "second_seed", "lsn"


@dataclass(frozen=True, eq=False)
class Layer:
    """The 3x3 kernels of one convolution layer.

    Attributes:
        number: place in order of execution, from 1.
        name: as the network calls it.
        weights: (out, in // groups, 3, 3); kernels act by cross-correlation.
        groups: of the convolution; 1 also where that is not known.
        part: encoder, bottleneck or decoder; 'all' where the network has no known parts.
        halvings: how often the image's side was halved on the way to this layer, where known.
    """

    number: int
    name: str
    weights: np.ndarray
    groups: int = 1
    part: str = WHOLE
    halvings: int = 0

    @property
    def kernels(self) -> np.ndarray:
        """The kernels (n, 3, 3) in double precision, output channel by output channel."""
        return np.asarray(self.weights, dtype=float).reshape(-1, 3, 3)


def check_layers(layers: Iterable[Layer]) -> list[Layer]:
    """The ``layers`` as a list. Raises UpwindError where there is none, or where weights are not
    finite 3x3 kernels."""
    layers = list(layers)
    if not layers:
        raise UpwindError("no convolution layers to look at: give at least one")
    for layer in layers:
        shape = layer.weights.shape
        if len(shape) != 4 or shape[2:] != (3, 3):
            raise UpwindError(
                f"layer {layer.number} ({layer.name}): weights of shape {shape} are not 3x3 "
                "kernels (out, in, 3, 3): give the 3x3 convolution layers only"
            )
        if not np.isfinite(layer.weights).all():
            raise UpwindError(
                f"layer {layer.number} ({layer.name}): weights hold NaN or infinite values: was "
                "the training diverging?"
            )
    return layers


def random_layers(layers: Iterable[Layer], seed: int) -> list[Layer]:
    """Layers of the same shapes with random weights, for a network whose own initialisation is not
    known: normal, with the variance 2 / (kernel size times input channels) of He et al. (2015)."""
    generator = np.random.default_rng(seed)
    return [
        replace(layer, weights=generator.normal(0, np.sqrt(2 / fan_in), layer.weights.shape))
        for layer in layers
        for fan_in in [np.prod(layer.weights.shape[1:])]
    ]
