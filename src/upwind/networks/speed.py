"""The speed network: from a slice, and from where the contour starts, to the contour's speed.

It is a part of the level set network, and stands beside it as a network of its own, to tell what
the contour adds: same parameters, same input, and its output is read as liver or not.
"""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from upwind.common.errors import UpwindError
from upwind.common.tuples import triple
from upwind.levelset.equation.scheme import signed_distance_to_disc
from upwind.networks.prior import Disc, disc_of
from upwind.settings.lsn import InitialWeights, LSNSettings

_DEFAULT = LSNSettings()

# Pixels of the start's distance that count as one unit of input, as a share of the slice's size:
# intensities lie in [-1, 1], and so does the distance within a quarter of the image.
_DISTANCE_UNIT = 0.25


class SpeedNetwork(nn.Module):
    """Slices (n, 1, h, w) to one number a pixel (n, h, w): dilated 3x3 convolutions with ReLU.

    Dilation lets few layers see far: with 1, 2, 4, 8 a number depends on 31 x 31 pixels. With
    ``sees_start`` the signed distance (h, w) in pixels to the initial contour is a second input:
    convolutions alone do not know where in the image they are.
    ``initial_weights``: 'he' or 'torch'; raises UpwindError for others.
    """

    def __init__(
        self,
        channels: int,
        dilations: Sequence[int],
        sees_start: bool,
        initial_weights: str = _DEFAULT.initial_weights,
    ) -> None:
        super().__init__()
        self.sees_start = sees_start
        inputs = [2 if sees_start else 1] + [channels] * (len(dilations) - 1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(i, channels, 3, padding=d, dilation=d)
            for i, d in zip(inputs, dilations, strict=True)
        )
        self.head = nn.Conv2d(channels, 1, 1)
        if initial_weights not in get_args(InitialWeights):
            known = list(get_args(InitialWeights))
            raise UpwindError(f"lsn.initial_weights: {initial_weights!r}; choose from {known}")
        if initial_weights == "he":
            self.apply(_he_initialisation)

    def forward(self, slices: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
        """The numbers, not limited: tanh makes a speed of them, sigmoid a probability."""
        x = slices
        if self.sees_start:
            distance = start / (_DISTANCE_UNIT * start.shape[-1])
            x = torch.cat([x, distance.expand(len(x), 1, -1, -1)], dim=1)
        for convolution in self.convolutions:
            # In place as in the UNet's levels.
            x = functional.relu(convolution(x), inplace=self.training)
        return self.head(x)[:, 0]


class SpeedAlone(nn.Module):
    """Slices (n, 1, h, w), intensities in [-1, 1], to liver probabilities (n, 1, h, w) by the speed
    network alone: no contour, no time. Options are those of the LSN's speed."""

    def __init__(
        self,
        disc: Disc,
        channels: int = _DEFAULT.channels,
        dilations: Sequence[int] = _DEFAULT.dilations,
        sees_start: bool = _DEFAULT.sees_start,
        initial_weights: str = _DEFAULT.initial_weights,
    ) -> None:
        super().__init__()
        self.disc = triple(disc)
        self.speed = SpeedNetwork(channels, dilations, sees_start, initial_weights)

    @staticmethod
    def options_from(options: dict[str, Any], masks: np.ndarray) -> dict[str, Any]:
        """Of the LSN's ``options`` those of its speed, with the initial ``disc`` taken from the
        masks (n, size, size) of the training slices."""
        kept = {name: options[name] for name in _OPTIONS if name in options}
        return {"disc": disc_of(masks, options["disc_radius"]), **kept}

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """Probability of liver for each pixel."""
        start = start_of(self.disc, slices.shape[-1]).to(slices.device)
        return torch.sigmoid(self.speed(slices, start))[:, None]


def _he_initialisation(module: nn.Module) -> None:
    """He et al. (2015): keeps the size of activations from one ReLU layer to the next. torch's own
    default shrinks them, and Adadelta's steps, small at first whatever the gradient, then take many
    epochs to make up for it."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


_OPTIONS = ("channels", "dilations", "sees_start", "initial_weights")


def start_of(disc: tuple[float, float, float], size: int) -> torch.Tensor:
    """Signed distance (size, size) in pixels to a disc (row, column, radius as shares of size)."""
    row, column, radius = (share * size for share in disc)
    return signed_distance_to_disc(size, (row - 0.5, column - 0.5), radius)
