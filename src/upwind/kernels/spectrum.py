"""The hand-crafted kernel that each learned kernel is nearest to by its spectrum.

As in the paper's authors' code (github.com/jonasactor/livermask): a kernel, zero-padded to the
size of its layer's feature map, has a Fourier transform; its magnitudes, sorted and divided by the
largest, are compared. Sorting forgets which frequency is which, so a kernel, its mirror images and
its rotations by right angles, and its negative, are all the same.
"""

from collections.abc import Iterable, Mapping
from typing import cast

import numpy as np
import pandas as pd
from scipy import fft

from upwind.kernels.layers import Layer
from upwind.kernels.proportions import wilson
from upwind.kernels.stencils import INDETERMINATE, NEAREST, stencils_of
from upwind.kernels.tables import kernel_table

# Beyond this mean difference per frequency no hand-crafted kernel is near (authors' code).
LIMIT = 0.1
# Numbers worked on at a time, two kernels at 256 x 256 pixels: they stay in the processor's cache.
_AT_ONCE = 2**17


def sorted_spectra(kernels: np.ndarray, size: int) -> np.ndarray:
    """Magnitudes (n, size * size) of the Fourier transforms of kernels (n, 3, 3), zero-padded to
    ``size`` x ``size`` (at least the kernels' own), sorted downwards and divided by the largest;
    those of a kernel that is zero are zero. Kernels of three dimensions have (n, size^3)."""
    axes = tuple(range(1, kernels.ndim))
    padded = [max(size, side) for side in kernels.shape[1:]]
    magnitudes = np.abs(fft.fftn(kernels, s=padded, axes=axes)).reshape(len(kernels), -1)
    magnitudes = -np.sort(-magnitudes, axis=1)
    largest = magnitudes[:, :1]
    return np.divide(magnitudes, largest, out=np.zeros_like(magnitudes), where=largest > 0)


def nearest_stencils(
    kernels: np.ndarray,
    size: int,
    stencils: Mapping[str, np.ndarray] | None = None,
    limit: float = LIMIT,
) -> pd.DataFrame:
    """For each of the kernels (n, 3, 3), or of another size, the stencil with the most similar
    spectrum on a feature map of ``size`` x ``size`` pixels; ``stencils`` are by default the six of
    the kernels' size.

    Columns: ``nearest`` (a name of ``stencils``; 'indeterminate' beyond ``limit``) and
    ``distance``, the mean absolute difference per frequency to the nearest one (the authors' L1
    distance over the number of frequencies). A kernel that is zero has none.
    """
    stencils = stencils_of(kernels.shape[1:]) if stencils is None else stencils
    names = np.array([*stencils, INDETERMINATE])
    known = sorted_spectra(np.stack(list(stencils.values())), size)
    at_once = max(1, _AT_ONCE // known.shape[1])
    parts = [kernels[i : i + at_once] for i in range(0, len(kernels), at_once)]
    found = [_nearest(sorted_spectra(part, size), known) for part in parts]
    places, distances = (np.concatenate(column) for column in zip(*found, strict=True))
    places[~(distances <= limit)] = len(names) - 1
    return pd.DataFrame({"nearest": names[places], "distance": distances})


def _nearest(spectra: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distances = np.stack([np.abs(spectra - other).mean(axis=1) for other in known], axis=1)
    nearest = distances.argmin(axis=1)
    least = distances[np.arange(len(distances)), nearest]
    return nearest, np.where(spectra[:, 0] > 0, least, np.nan)


def nearest_table(layers: Iterable[Layer], image_size: int, limit: float = LIMIT) -> pd.DataFrame:
    """One row per kernel: ``layer``, ``kernel`` (from 0), ``nearest`` and ``distance`` of
    :func:`nearest_stencils`, on the feature map that the layer has for an image of ``image_size``
    pixels a side."""
    return kernel_table(
        layers,
        lambda layer: nearest_stencils(layer.kernels, image_size >> layer.halvings, limit=limit),
    )


def shares(nearest: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Share of a layer's kernels that each stencil is nearest to; ``nearest`` is
    :func:`nearest_table`.

    Columns: ``layer``, ``stencil`` (as in Figure 2's legend, then 'indeterminate'), ``kernels`` (of
    the layer), ``share``, and ``low`` to ``high``, its Wilson score interval (1927), kernels being
    taken for independent draws.
    """
    counts = pd.crosstab(nearest["layer"], nearest["nearest"])
    counts = counts.reindex(columns=list(NEAREST), fill_value=0)
    total = counts.sum(axis=1)
    stacked = cast("pd.Series[int]", counts.rename_axis(columns="stencil").stack())
    table = stacked.rename("count").reset_index()
    table["kernels"] = table["layer"].map(total)
    share = table["count"] / table["kernels"]
    low, high = wilson(share.to_numpy(), table["kernels"].to_numpy(), confidence)
    table = table.assign(share=share, low=low, high=high)
    return table[["layer", "stencil", "kernels", "share", "low", "high"]]
