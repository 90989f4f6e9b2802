"""How many kernels lie where, and of which clusters, where points would cover each other."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from scipy.ndimage import gaussian_filter

from upwind.figures import style

FEW = 600  # kernels, which are drawn as points too
_CELLS = 90  # of a panel's density, along its longer side
_BLUR = 1.6  # cells


def draw_density(axes: Axes, kernels: pd.DataFrame) -> None:
    """An image whose opacity is the density of kernels and whose colour is that of their clusters,
    mixed by their numbers; it fills the panel, whose limits are set."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    cell = max(right - left, top - bottom) / _CELLS
    bins = [max(1, round((high - low) / cell)) for low, high in ((left, right), (bottom, top))]
    counts = []
    numbers = range(1, int(kernels["cluster"].max()) + 1)
    for number in numbers:
        members = kernels.loc[kernels["cluster"] == number, ["pc1", "pc2"]].to_numpy()
        limits = [(left, right), (bottom, top)]
        histogram, *_ = np.histogram2d(members[:, 0], members[:, 1], bins, limits)
        counts.append(gaussian_filter(histogram.T, _BLUR))
    density = np.sum(counts, axis=0)
    colours = np.array([to_rgb(style.PALETTE[number - 1]) for number in numbers])
    mixed = np.einsum("kij,kc->ijc", counts, colours) / np.maximum(density, 1e-12)[..., None]
    image = np.concatenate([mixed, np.sqrt(density / (density.max() or 1))[..., None]], axis=2)
    extent = (left, right, bottom, top)
    axes.imshow(np.clip(image, 0, 1), extent=extent, origin="lower", aspect="auto", zorder=1)
