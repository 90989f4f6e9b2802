"""The section ``prediction``."""

from upwind.settings.model import Settings, Share


class PredictionSettings(Settings):
    """How a probability is read."""

    threshold: Share = 0.5
    """Probability from which a pixel is liver.

    Source: code."""
