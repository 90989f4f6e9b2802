"""Convolution layers as the kernel analysis sees them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from upwind.common.errors import UpwindError
from upwind.kernels.sizes import SIZES, Size, in_words, known_sizes

# Parts of a network; layers of one that is not known to have any are all in the last.
ENCODER, BOTTLENECK, DECODER, WHOLE = "encoder", "bottleneck", "decoder", "all"
# What a network is, in the column `network` of every table: as trained, at initialisation, trained
# from another seed, and the level set network.
TRAINED, INITIAL, SECOND_SEED, LSN = "trained", "initial", "second_seed", "lsn"


@dataclass(frozen=True, eq=False)
class Layer:
    """The kernels of one convolution layer.

    Attributes:
        number: place in order of execution, from 1.
        name: as the network calls it.
        weights: (out, in // groups, 3, 3), or another of the known sizes; kernels act by
            cross-correlation.
        groups: of the convolution; 1 also where that is not known.
        part: encoder, bottleneck or decoder; 'all' where the network has no known parts.
        halvings: how often the image's side was halved on the way to this layer, where known.
        drawn: numbers of the kernels that are looked at, from the lowest; None for all.
    """

    number: int
    name: str
    weights: np.ndarray
    groups: int = 1
    part: str = WHOLE
    halvings: int = 0
    drawn: np.ndarray | None = None

    @property
    def numbers(self) -> np.ndarray:
        """Of the kernels that are looked at: from 0, output channel by output channel."""
        return np.arange(np.prod(self.weights.shape[:2])) if self.drawn is None else self.drawn

    @property
    def kernels(self) -> np.ndarray:
        """The kernels (n, 3, 3), say, in double precision, in the order of their numbers."""
        kernels = self.weights.reshape(-1, *self.size)
        return np.asarray(kernels if self.drawn is None else kernels[self.drawn], dtype=float)

    @property
    def vectors(self) -> np.ndarray:
        """The same, each flattened: (n, 9), say."""
        return self.kernels.reshape(len(self.kernels), -1)

    @property
    def size(self) -> Size:
        """Of a kernel: (3, 3), say."""
        return tuple(self.weights.shape[2:])


def check_layers(layers: Iterable[Layer]) -> list[Layer]:
    """The ``layers`` as a list. Raises UpwindError where there is none, where weights are no finite
    kernels of a known size, or where sizes differ."""
    layers = list(layers)
    if not layers:
        raise UpwindError("no convolution layers to look at: give at least one")
    for layer in layers:
        check_weights(layer)
    sizes = dict.fromkeys(layer.size for layer in layers)
    if len(sizes) > 1:
        raise UpwindError(
            f"kernels of {' and '.join(map(in_words, sizes))} cannot be compared: give layers of "
            "one size"
        )
    return layers


def check_weights(layer: Layer) -> None:
    """Raises UpwindError where a layer's weights are not finite kernels of a known size."""
    about = f"layer {layer.number} ({layer.name}): weights"
    if layer.weights.ndim < 4 or layer.size not in SIZES:
        raise UpwindError(
            f"{about} of shape {layer.weights.shape} are not kernels (out, in, rows, columns) of "
            f"{known_sizes()}: leave this layer out"
        )
    if not np.isfinite(layer.weights).all():
        raise UpwindError(f"{about} hold NaN or infinite values: was the training diverging?")


def with_at_most(layer: Layer, most: int, seed: int) -> Layer:
    """The layer; of one with more kernels than ``most``, so many of them, drawn at random."""
    count = len(layer.numbers)
    if count <= most:
        return layer
    drawn = np.random.default_rng(seed).choice(count, most, replace=False)
    return replace(layer, drawn=np.sort(layer.numbers[drawn]))


def by_size(layers: Iterable[Layer]) -> dict[Size, list[Layer]]:
    """The layers by the size of their kernels, 3x3 first."""
    layers = list(layers)
    found = {size: [layer for layer in layers if layer.size == size] for size in SIZES}
    return {size: those for size, those in found.items() if those}


def random_layers(layers: Iterable[Layer], seed: int) -> list[Layer]:
    """Layers of the same shapes with random weights, for a network whose own initialisation is not
    known: normal, with the variance 2 / (kernel size times input channels) of He et al. (2015)."""
    generator = np.random.default_rng(seed)
    return [
        replace(layer, weights=generator.normal(0, np.sqrt(2 / fan_in), layer.weights.shape))
        for layer in layers
        for fan_in in [np.prod(layer.weights.shape[1:])]
    ]
