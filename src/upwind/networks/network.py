"""Networks: something that tells for each pixel of a slice how probable it is that it shows liver.

A network is any torch module of the form of :class:`SegmentationNetwork`; a method names it
(:mod:`upwind.methods`), and :mod:`upwind.networks.registry` finds it by that name.
"""

from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import torch


class SegmentationNetwork(Protocol):
    """A ``torch.nn.Module`` whose arguments are JSON values, so that weights can be stored with
    what is needed to build it again; the same arguments and seed give the same weights.

    Its constructor takes what :meth:`options_from` returns.
    """

    def __call__(self, slices: torch.Tensor) -> torch.Tensor:
        """Slices (n, 1, h, w), intensities in [-1, 1], to probabilities of liver (n, 1, h, w)."""

    @staticmethod
    def options_from(options: dict[str, Any], masks: np.ndarray) -> dict[str, Any]:
        """The constructor's arguments: the settings of the network's section of the configuration
        without ``epochs`` (``options``), with what the network takes from the masks
        (n, size, size) of its training slices, if anything."""

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Its tensors by name, as ``torch.nn.Module`` has them."""

    def eval(self) -> Self:
        """Itself, ready for prediction, as ``torch.nn.Module`` has it."""


@runtime_checkable
class Remarking(Protocol):
    """A network of whose training there is more to say than its curves do."""

    def remark(self, slices: torch.Tensor) -> str:
        """What the log of its training says, told by its held-out slices (n, 1, h, w), intensities
        in [-1, 1]."""
