"""A square root that is the same on every processor."""

import torch


def square_root(x: torch.Tensor) -> torch.Tensor:
    """sqrt(x) within 1.5 units in the last place, differentiable.

    ``torch.sqrt`` on a CPU is MKL's, which begins with the processor's own estimate of 1 / sqrt(x):
    its bits are the maker's choice. ``torch.rsqrt`` is two instructions that IEEE 754 rounds.
    """
    return torch.rsqrt(x).reciprocal()
