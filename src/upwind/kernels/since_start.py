"""Did the kernels leave their initialisation? Spectra and scatter plots cannot tell.

What they began as is not kept: the network is built again from its seed. Whether this is its start,
not that of another seed or of another version of torch, shows in the weights, which stay correlated
with what they began as.
"""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from upwind.kernels.clustering import kmeans, one_thread
from upwind.kernels.layers import Layer
from upwind.kernels.replacements import relative_norm
from upwind.settings.kernels import KernelMeasures

_log = logging.getLogger(__name__)

# How often a layer may seem to have begun with weights that are another network's.
_MISTAKEN = 1e-6


def beside_start(
    table: pd.DataFrame,
    layers: Sequence[Layer],
    start: Sequence[Layer],
    settings: KernelMeasures,
) -> pd.DataFrame:
    """``table`` of :attr:`upwind.kernels.clustering.Clustering.layers` with what became of the
    weights W0 that the network had before training, layer by layer:

    - ``moved``: ||W - W0|| / ||W0|| (Frobenius), 0 for a layer that stayed;
    - ``correlation`` of W with W0 (Pearson's, over all weights), 1 for one that stayed or grew;
    - ``kmeans_mean_score_start``: W0's, clustered alike.

    Warns of layers that nothing says began with W0 (:func:`strange_layers`).
    """
    before, after = (
        {layer.number: layer.kernels for layer in network} for network in (start, layers)
    )
    warn_of_start(strange_layers(list(after.values()), [before[n] for n in after]))
    return table.assign(
        moved=[relative_norm(before[n], after[n]) for n in table["layer"]],
        correlation=[correlation(before[n], after[n]) for n in table["layer"]],
        kmeans_mean_score_start=[_score(before[n], settings) for n in table["layer"]],
    )


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of two arrays of weights of the same shape."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def strange_layers(weights: Sequence[np.ndarray], start: Sequence[np.ndarray]) -> list[int]:
    """Numbers (from 1) of the layers whose weights are not correlated with what they are said to
    have begun as, ``start``: its (..., 3, 3) are others, or nothing of them is left. Weights that
    are not finite say nothing."""
    both = enumerate(zip(weights, start, strict=True), 1)
    return [
        number
        for number, (now, before) in both
        if np.isfinite(now).all() and not correlation(now, before) > by_chance(before)
    ]


def by_chance(start: np.ndarray) -> float:
    """The correlation with ``start`` (..., 3, 3) that weights of another start exceed once in a
    million times.

    Weights drawn alike and independently of one another have, with any that know nothing of them,
    Student's correlation if they are normal, and hardly another one if they are uniform. Of kernels
    in a subspace as many are independent as it has dimensions.
    """
    kernels = start.reshape(-1, start.shape[-2] * start.shape[-1])
    free = len(kernels) * int(np.linalg.matrix_rank(kernels)) - 2
    bound = stats.t.isf(_MISTAKEN, free)
    return float(bound / np.sqrt(free + bound**2))


def warn_of_start(strange: Sequence[int]) -> None:
    """Log a warning of :func:`strange_layers`, where there are any."""
    if strange:
        _log.warning(
            "nothing says that the UNet began with the weights that its seed gives now in layers "
            f"{', '.join(map(str, strange))}: its own are not correlated with them, so that what "
            "is said of these layers' start may be another network's"
        )


def _score(kernels: np.ndarray, settings: KernelMeasures) -> float:
    with one_thread():
        return kmeans(kernels.reshape(-1, 9), settings.clusters, settings.seed, settings.restarts)[
            2
        ]
