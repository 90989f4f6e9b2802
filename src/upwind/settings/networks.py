"""What the section of every network has in common."""

from upwind.settings.model import Count, Settings


class NetworkSettings(Settings):
    """A network's section: its options and for how long it is trained."""

    epochs: Count
    """Passes over the training slices.

    Source: ours."""
