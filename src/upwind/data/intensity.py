"""From HU to what a network reads."""

from typing import TypeVar

import numpy as np
import torch

Array = TypeVar("Array", np.ndarray, torch.Tensor)


def rescale(hu: Array, window: tuple[float, float]) -> Array:
    """HU clipped to ``window`` and rescaled linearly to [-1, 1], shape kept."""
    # As floats: HU are int16, in which the span of a wide window would wrap around.
    low, high = map(float, window)
    return (hu.clip(low, high) - low) * (2 / (high - low)) - 1
