"""The feature maps of a UNet, in order of execution, for the schematic of Figure 1.

Channels and kernels are those of the network's own convolutions; the order of the steps is that of
:meth:`upwind.networks.unet.UNet.forward`, and tests hold the two together.
"""

from dataclasses import dataclass

from torch import nn

from upwind.common.errors import UpwindError
from upwind.common.tuples import pair
from upwind.networks.unet import Convolution, Level, UNet


@dataclass(frozen=True)
class FeatureMap:
    """A feature map and the step that made it.

    Attributes:
        step: ``input``, ``convolution``, ``pooling``, ``upsampling`` or ``concatenation``.
        sources: indices of the feature maps that the step read.
        channels, size: shape of the map, size in pixels (rows, columns).
        kernel: pixels (rows, columns) of the convolution or pooling window, or factor of the
            up-sampling; empty for other steps.
        activation: nonlinearity that follows a convolution, or empty.
        layer: number of the 3x3 convolution from 1 in order of execution, or None.
    """

    step: str
    sources: tuple[int, ...]
    channels: int
    size: tuple[int, int]
    kernel: tuple[int, int] | tuple[()] = ()
    activation: str = ""
    layer: int | None = None


def feature_maps(network: nn.Module, image_size: int) -> list[FeatureMap]:
    """Feature maps of ``network`` for one slice (1, 1, image_size, image_size), input first.

    Raises:
        UpwindError: the network is no UNet, or cannot take slices of that size.
    """
    # A subclass that steps in another way would be drawn as what it is not.
    if not isinstance(network, UNet) or type(network).forward is not UNet.forward:
        raise UpwindError(
            f"Figure 1 draws a UNet; it has no symbols for the steps of {type(network).__name__}"
        )
    depth = len(network.down)
    if image_size % 2**depth:
        raise UpwindError(
            f"the network cannot take slices of {image_size} x {image_size} pixels: "
            f"image_size must be divisible by 2**{depth}, by 2 for each pooling"
        )
    maps = [FeatureMap("input", (), 1, (image_size, image_size))]
    skips = []
    for level in _levels(network.down):
        skips.append(len(maps) - 1)
        _convolve_twice(maps, level)
        _resize(maps, "pooling", 0.5)
    _convolve_twice(maps, network.bottom)
    for level in _levels(network.up):
        _convolve_twice(maps, level)
        _resize(maps, "upsampling", 2)
        _concatenate(maps, skips.pop())
    _convolve(maps, network.head, "sigmoid")
    return maps


def _levels(modules: nn.ModuleList) -> list[Level]:
    return [module for module in modules if isinstance(module, Level)]


def _convolve_twice(maps: list[FeatureMap], level: Level) -> None:
    for convolution in (level.first, level.second):
        _convolve(maps, convolution, "ReLU", 1 + sum(m.layer is not None for m in maps))


def _convolve(
    maps: list[FeatureMap], convolution: Convolution, activation: str, layer: int | None = None
) -> None:
    source, size, channels = len(maps) - 1, maps[-1].size, convolution.out_channels
    kernel = pair(convolution.kernel_size)
    maps.append(FeatureMap("convolution", (source,), channels, size, kernel, activation, layer))


def _resize(maps: list[FeatureMap], step: str, factor: float) -> None:
    rows, columns = (round(side * factor) for side in maps[-1].size)
    source = len(maps) - 1
    maps.append(FeatureMap(step, (source,), maps[-1].channels, (rows, columns), (2, 2)))


def _concatenate(maps: list[FeatureMap], skip: int) -> None:
    sources = (len(maps) - 1, skip)
    channels = sum(maps[source].channels for source in sources)
    maps.append(FeatureMap("concatenation", sources, channels, maps[-1].size))
