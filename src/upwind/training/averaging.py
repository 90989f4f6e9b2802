"""Weights averaged over the updates of a training, beside its last ones.

Polyak and Juditsky (1992) average all iterates; networks are averaged with more weight on the newer
ones, for which Izmailov et al. (2018, arXiv:1803.05407) is a usual source. Training itself does not
see the average.
"""

from collections.abc import Mapping

import torch
from torch import nn

Tensors = dict[str, torch.Tensor]

# As in TensorFlow's ExponentialMovingAverage: the first weights are forgotten in the first updates.
_START, _LATER = 1, 10


def decay_at(update: int, decay: float) -> float:
    """The decay of the average at an ``update``, counted from 1."""
    return min(decay, (_START + update) / (_LATER + update))


class AveragedWeights:
    """The exponential moving average of all that ``network`` holds, its buffers included; those of
    whole numbers, which cannot be averaged, are the network's own."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self._network = network
        self.values = snapshot(network)

    @torch.no_grad()
    def add(self, update: int) -> None:
        """Take in the network's weights after an ``update``, counted from 1."""
        now = self._network.state_dict()
        smooth = [name for name, value in now.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [self.values[name] for name in smooth],
            [now[name] for name in smooth],
            1 - decay_at(update, self._decay),
        )
        for name in now.keys() - smooth:
            self.values[name].copy_(now[name])

    def restore(self, values: Mapping[str, torch.Tensor]) -> None:
        """Go back to what :attr:`values` were."""
        for name, value in values.items():
            # Copied into tensors of the network's own layout: loops for others may round otherwise.
            self.values[name].copy_(value)


def snapshot(network: nn.Module) -> Tensors:
    """A copy of all that a network holds, by name."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
