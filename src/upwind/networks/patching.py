"""A network with other 3x3 kernels for a while: its layers answer otherwise, its weights stay.

It holds for layers whose kernels are made of something else and cannot be written to
(:class:`upwind.networks.constrained.ConstrainedConvolution`) as for those that hold them.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from upwind.networks.unet import Convolution

Answer = Callable[[torch.Tensor], torch.Tensor]


def layer_kernels(layer: Convolution) -> np.ndarray:
    """A layer's kernels (out, in, 3, 3), in double precision."""
    return layer.weight.detach().cpu().double().numpy()


def convolving(layer: Convolution, kernels: np.ndarray) -> Answer:
    """What the layer would answer with other ``kernels`` (out, in, 3, 3), in the precision and the
    layout of its own: other layouts round differently."""
    other = torch.empty_like(layer.weight.detach()).copy_(torch.from_numpy(kernels))
    return lambda x: functional.conv2d(x, other.to(x.device), layer.bias, padding=1)


@contextlib.contextmanager
def answering(answers: Mapping[nn.Module, Answer]) -> Iterator[None]:
    """Let modules answer otherwise while the block runs."""
    try:
        for module, answer in answers.items():
            module.forward = answer
        yield
    finally:
        for module in answers:
            vars(module).pop("forward", None)
