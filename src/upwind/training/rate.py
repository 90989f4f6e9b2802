"""The learning rate over a training."""

import math

from upwind.settings.training import Rate

#: What is left of a rate that falls, after the last update.
LEAST = 0.001


def share_of_rate(rule: Rate, done: int, updates: int) -> float:
    """What the learning rate is multiplied by in the update that ``done`` ones of ``updates`` were
    made before: 1, or, in the second half of a training whose rate 'falls', half a cosine from 1 to
    LEAST (Loshchilov and Hutter 2017, arXiv:1608.03983, whose cosine spans all of it)."""
    if rule == "constant":
        return 1.0
    fallen = max(0.0, 2 * done / updates - 1)
    return LEAST + (1 - LEAST) * (1 + math.cos(math.pi * fallen)) / 2
