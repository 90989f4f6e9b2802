"""How a network is trained."""

import math

from upwind.settings.dataset import IntensitySettings
from upwind.settings.model import Count, Window
from upwind.settings.training import OptimiserSettings


class TrainingSettings(OptimiserSettings):
    """How a network is trained: the settings that every network shares, for how many ``epochs``,
    the ``window`` (HU) through which it sees, and the epochs after which its weights are ``kept``,
    beside those after the last."""

    epochs: Count
    window: Window = IntensitySettings().window
    kept: tuple[Count, ...] = ()


def updates_an_epoch(slices: int, batch_size: int) -> int:
    """Updates of the weights in one pass over ``slices`` training slices."""
    return math.ceil(slices / batch_size)


def epochs_for(updates: int, slices: int, batch_size: int) -> int:
    """Whole epochs with at least so many ``updates``."""
    return math.ceil(updates / updates_an_epoch(slices, batch_size))
