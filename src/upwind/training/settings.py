"""How a network is trained."""

from upwind.settings.dataset import IntensitySettings
from upwind.settings.model import Count, Window
from upwind.settings.training import OptimiserSettings


class TrainingSettings(OptimiserSettings):
    """How a network is trained: the settings that every network shares, for how many ``epochs``,
    and the ``window`` (HU) through which it sees."""

    epochs: Count
    window: Window = IntensitySettings().window
