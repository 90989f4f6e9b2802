"""Did the kernels leave their initialisation? Spectra and scatter plots cannot tell."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from upwind.kernels.clustering import kmeans, one_thread
from upwind.kernels.layers import Layer
from upwind.kernels.replacements import relative_norm
from upwind.settings.kernels import KernelMeasures


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
    """
    before, after = (
        {layer.number: layer.kernels for layer in network} for network in (start, layers)
    )
    return table.assign(
        moved=[relative_norm(before[n], after[n]) for n in table["layer"]],
        correlation=[correlation(before[n], after[n]) for n in table["layer"]],
        kmeans_mean_score_start=[_score(before[n], settings) for n in table["layer"]],
    )


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of two arrays of weights of the same shape."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _score(kernels: np.ndarray, settings: KernelMeasures) -> float:
    with one_thread():
        return kmeans(kernels.reshape(-1, 9), settings.clusters, settings.seed, settings.restarts)[
            2
        ]
