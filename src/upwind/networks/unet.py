"""The paper's UNet (Figure 1; layer by layer in the authors' public code, 2018-2020).

Depth 4, two 3x3 convolutions with ReLU at each level and no batch normalisation. Unusually, the
two convolutions of an up level run *before* its up-sampling, and the skip connection carries the
level's *input*, so the last concatenation holds the CT slice itself.

Beside it, and not the paper's, the same network with kernels that learning keeps in the span of
finite differences: what the kernels are said to be is then all that they can be. Its controls are
kernels in random subspaces, and random kernels that are not learned.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args

import numpy as np
import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from upwind.common.errors import UpwindError
from upwind.networks.constrained import (
    ConstrainedConvolution,
    glorot_weights,
    he_weights,
    plain_convolution,
)
from upwind.settings.unet import InitialWeights, KernelRule, UNetSettings

Convolution = nn.Conv2d | ConstrainedConvolution
Filters = Annotated[int, Field(ge=1, le=4096)]

# What learning may do to the 3x3 kernels: anything, or subspaces of upwind.networks.subspaces.
KERNELS, INITIAL_WEIGHTS = get_args(KernelRule), get_args(InitialWeights)
_DEFAULT = UNetSettings()

# Filters of the four down levels, outermost first, and of the bottleneck (authors' code).
LEVEL_FILTERS = (16, 16, 16, 32)
BOTTOM_FILTERS = 64


@dataclass(frozen=True)
class Kernels:
    """What learning may do to a layer's kernels: one of :data:`KERNELS`, which of the random
    subspaces that is, and what the kernels begin as."""

    rule: str
    subspace: int
    initial_weights: str

    def convolution(self, in_channels: int, out_channels: int) -> Convolution:
        """A 3x3 convolution ('same' zero padding, bias) with such kernels. Glorot's weights are
        drawn when the whole network is there."""
        if self.rule not in ("free", "frozen"):
            return ConstrainedConvolution(in_channels, out_channels, self.rule, self.subspace)
        layer = plain_convolution(in_channels, out_channels, learned=self.rule == "free")
        if self.initial_weights == "he":
            he_weights(layer)
        return layer


class Level(nn.Module):
    """Two 3x3 convolutions ('same' zero padding, bias), each followed by ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, first: Kernels, second: Kernels
    ) -> None:
        super().__init__()
        self.first = first.convolution(in_channels, out_channels)
        self.second = second.convolution(out_channels, out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, in_channels, h, w) to (n, out_channels, h, w)."""
        # In training in place: one pass over memory less, with the same bits. Otherwise not, as
        # whoever looks at a convolution's answer (feature maps) must find it as it was.
        x = functional.relu(self.first(x), inplace=self.training)
        return functional.relu(self.second(x), inplace=self.training)


class UNet(nn.Module):
    """Slices (n, 1, h, w), intensities in [-1, 1], to liver probabilities (n, 1, h, w).

    ``h`` and ``w`` must be divisible by 2**4. With the default filters it has 18 3x3 convolution
    layers, 14,608 kernels and 131,938 parameters, as published.

    ``kernels`` is what learning may do to all of these kernels: 'free'; 'mean_zero' keeps each a
    difference, its sum 0 (117,330 parameters); 'differences' keeps it in the span of first- and
    second-order finite differences (73,506 parameters). Such a layer answers 0 to a constant but
    for its bias and the zeros beyond the image's border. The other rules are controls for these:
    :class:`upwind.settings.unet.UNetSettings` has them, ``subspace``, ``first_layer`` and
    ``initial_weights`` (of all 3x3 kernels; None: 'glorot' where ``kernels`` are free, else 'he').
    The 1x1 head stays free and begins with Glorot's weights.
    """

    def __init__(
        self,
        level_filters: Annotated[tuple[Filters, ...], Field(min_length=1, max_length=8)] = (
            LEVEL_FILTERS
        ),
        bottom_filters: Filters = BOTTOM_FILTERS,
        kernels: str = _DEFAULT.kernels,
        subspace: Annotated[int, Field(ge=0)] = _DEFAULT.subspace,
        first_layer: Literal["same", "free"] = _DEFAULT.first_layer,
        initial_weights: str | None = _DEFAULT.initial_weights,
    ) -> None:
        super().__init__()
        if initial_weights is None:
            initial_weights = "glorot" if kernels == "free" else "he"
        for name, value, known in (
            ("kernels", kernels, KERNELS),
            ("initial_weights", initial_weights, INITIAL_WEIGHTS),
        ):
            if value not in known:
                raise UpwindError(f"unet.{name}: {value!r}; choose from {list(known)}")
        rule = Kernels(kernels, subspace, initial_weights)
        outermost = replace(rule, rule="free") if first_layer == "free" else rule
        level_inputs = (1, *level_filters[:-1])
        self.down = nn.ModuleList(
            Level(i, o, rule if place else outermost, rule)
            for place, (i, o) in enumerate(zip(level_inputs, level_filters, strict=True))
        )
        self.bottom = Level(level_filters[-1], bottom_filters, rule, rule)
        up, below = [], bottom_filters
        for level_input, filters in zip(
            reversed(level_inputs), reversed(level_filters), strict=True
        ):
            up.append(Level(below, filters, rule, rule))
            below = filters + level_input  # up-sampled output and the level's input, concatenated
        self.up = nn.ModuleList(up)
        self.head = nn.Conv2d(below, 1, 1)
        for layer in self.layers() if initial_weights == "glorot" else ():
            glorot_weights(layer)
        glorot_weights(self.head)

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """Probability of liver for each pixel."""
        halved = 2 ** len(self.down)
        if slices.shape[-1] % halved or slices.shape[-2] % halved:
            raise UpwindError(
                f"a UNet of {len(self.down)} levels takes slices whose size is a multiple of "
                f"{halved}, not {slices.shape[-2]} x {slices.shape[-1]}"
            )
        x, skips = slices, []
        for level in self.down:
            skips.append(x)
            x = functional.max_pool2d(level(x), 2)
        x = self.bottom(x)
        for level, skip in zip(self.up, reversed(skips), strict=True):
            x = functional.interpolate(level(x), scale_factor=2, mode="nearest")
            x = torch.cat([x, skip], dim=1)
        # In the slices' precision, also where the convolutions are in half: bfloat16 knows no
        # probability between 0.996 and 1.
        return torch.sigmoid(self.head(x).to(slices.dtype))

    @staticmethod
    def options_from(options: dict[str, Any], masks: np.ndarray) -> dict[str, Any]:
        """The user's ``options``: a UNet takes nothing from its training slices but its weights."""
        return dict(options)

    def layers(self) -> list[Convolution]:
        """The 3x3 convolutions in order of execution: layer numbers 1 to 18 of Figure 2."""
        levels = [*self.down, self.bottom, *self.up]
        return [convolution for level in levels for convolution in (level.first, level.second)]
