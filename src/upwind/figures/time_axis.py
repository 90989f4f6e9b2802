"""A logarithmic axis of time, with the times that people read."""

from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

# In seconds: those that matter most, and those between.
_COARSE = {0.1: "0.1 s", 1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h"}
_COARSE |= {36_000: "10 h", 360_000: "100 h"}
_FINE = {0.2: "0.2 s", 0.5: "0.5 s", 2: "2 s", 5: "5 s", 20: "20 s", 120: "2 min", 300: "5 min"}
_FINE |= {1800: "30 min", 7200: "2 h", 18_000: "5 h"}
_MOST_TICKS = 6


def scale_time(axes: Axes, low: float, high: float) -> None:
    """Let the x axis hold ``low`` to ``high`` seconds and no more."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    named = {time: name for time, name in (_COARSE | _FINE).items() if low <= time <= high}
    if len(named) > _MOST_TICKS:
        named = {time: name for time, name in named.items() if time in _COARSE}
    axes.set_xticks(list(named), list(named.values()))
    axes.xaxis.set_minor_locator(NullLocator())
