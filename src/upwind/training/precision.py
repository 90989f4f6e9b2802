"""In what precision a network is run in training."""

import torch
from torch import nn


def probability_in(precision: str, network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """float32 probabilities of ``network``, its convolutions in ``precision``: 'float32', or
    'bfloat16' by autocast, in which the weights stay float32."""
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        return network(images).float()
