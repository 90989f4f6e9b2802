"""From HU to what a network reads."""

from typing import TypeVar

import numpy as np
import torch

Array = TypeVar("Array", np.ndarray, torch.Tensor)

# The authors' later revisions clip to this window and rescale to [-1, 1] [code].
PAPER_WINDOW = (-100.0, 400.0)


def rescale(hu: Array, window: tuple[float, float] = PAPER_WINDOW) -> Array:
    """HU clipped to ``window`` and rescaled linearly to [-1, 1], shape kept."""
    # As floats: HU are int16, in which the span of a wide window would wrap around.
    low, high = map(float, window)
    return (hu.clip(low, high) - low) * (2 / (high - low)) - 1
