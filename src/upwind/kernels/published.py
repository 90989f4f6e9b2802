"""What the paper's authors logged for each convolution layer of their trained UNet.

Source: log files in the authors' public code (github.com/jonasactor/livermask). The network was
trained on all 131 cases of LiTS, so other data give other scores; channels must be the same.
"""

import pandas as pd

from upwind.kernels.stencils import NEAREST

# Layer, input channels, output channels, kernels, KMeans.score divided by the number of kernels
# (minus the mean squared distance to the centroid), Calinski-Harabasz score.
_LAYERS = (
    (1, 1, 16, 16, -0.152122, 2.9682),
    (2, 16, 16, 256, -0.253164, 34.8355),
    (3, 16, 16, 256, -0.321058, 39.0898),
    (4, 16, 16, 256, -0.299421, 43.2409),
    (5, 16, 16, 256, -0.305474, 52.7401),
    (6, 16, 16, 256, -0.323870, 48.8994),
    (7, 16, 32, 512, -0.289589, 80.6215),
    (8, 32, 32, 1024, -0.261899, 170.929),
    (9, 32, 64, 2048, -0.267602, 316.3599),
    (10, 64, 64, 4096, -0.227014, 730.1464),
    (11, 64, 32, 2048, -0.200649, 362.2977),
    (12, 32, 32, 1024, -0.166702, 192.79),
    (13, 48, 16, 768, -0.347967, 180.0709),
    (14, 16, 16, 256, -0.157268, 179.3823),
    (15, 32, 16, 512, -0.522518, 191.0302),
    (16, 16, 16, 256, -0.183392, 204.8516),
    (17, 32, 16, 512, -0.559312, 277.7066),
    (18, 16, 16, 256, -0.522217, 133.3278),
)

# Layer, and the share of its kernels that each hand-crafted kernel is nearest to by its spectrum
# (upwind.kernels.spectrum), in the order of that table's columns; rounded to six digits.
_NEAREST = (
    (1, 0.0, 0.0, 0.8125, 0.125, 0.0, 0.0625, 0.0),
    (2, 0.027344, 0.0, 0.515625, 0.207031, 0.0, 0.203125, 0.046875),
    (3, 0.042969, 0.003906, 0.523438, 0.164062, 0.0, 0.214844, 0.050781),
    (4, 0.011719, 0.007812, 0.570312, 0.171875, 0.0, 0.183594, 0.054688),
    (5, 0.023438, 0.011719, 0.53125, 0.175781, 0.0, 0.207031, 0.050781),
    (6, 0.023438, 0.0, 0.476562, 0.21875, 0.0, 0.195312, 0.085938),
    (7, 0.023438, 0.017578, 0.507812, 0.207031, 0.0, 0.191406, 0.052734),
    (8, 0.041992, 0.014648, 0.516602, 0.151367, 0.0, 0.213867, 0.061523),
    (9, 0.029297, 0.012695, 0.536133, 0.140137, 0.0, 0.225098, 0.056641),
    (10, 0.032959, 0.016357, 0.515381, 0.166748, 0.0, 0.196045, 0.07251),
    (11, 0.024902, 0.01416, 0.507812, 0.162598, 0.0, 0.228027, 0.0625),
    (12, 0.069336, 0.014648, 0.432617, 0.212891, 0.0, 0.173828, 0.09668),
    (13, 0.039062, 0.03125, 0.476562, 0.190104, 0.0, 0.199219, 0.063802),
    (14, 0.0, 0.003906, 0.433594, 0.082031, 0.003906, 0.351562, 0.125),
    (15, 0.029297, 0.023438, 0.486328, 0.230469, 0.0, 0.203125, 0.027344),
    (16, 0.054688, 0.03125, 0.410156, 0.253906, 0.0, 0.171875, 0.078125),
    (17, 0.099609, 0.009766, 0.359375, 0.203125, 0.0, 0.257812, 0.070312),
    (18, 0.058594, 0.023438, 0.460938, 0.128906, 0.0, 0.226562, 0.101562),
)


def published_layers() -> pd.DataFrame:
    """One row per layer: ``layer``, ``in_channels``, ``out_channels``, ``kernels``,
    ``kmeans_mean_score`` and ``calinski_harabasz``, named as in
    :attr:`upwind.kernels.clustering.Clustering.layers`."""
    return pd.DataFrame(
        _LAYERS,
        columns=[
            "layer",
            "in_channels",
            "out_channels",
            "kernels",
            "kmeans_mean_score",
            "calinski_harabasz",
        ],
    )


def beside_published(layers: pd.DataFrame) -> pd.DataFrame:
    """``layers`` of a clustering with the published values in columns ``<name>_published``;
    empty where the paper's UNet has no such layer."""
    published = published_layers().set_index("layer").add_suffix("_published")
    return layers.merge(published, how="left", left_on="layer", right_index=True)


def published_shares() -> pd.DataFrame:
    """One row per ``layer`` and ``stencil`` ('indeterminate' among them), with its
    ``share_published`` of the layer's kernels."""
    table = pd.DataFrame(_NEAREST, columns=["layer", *NEAREST])
    return table.melt("layer", var_name="stencil", value_name="share_published")


def beside_published_shares(shares: pd.DataFrame) -> pd.DataFrame:
    """:func:`upwind.kernels.spectrum.shares` with ``share_published`` and ``difference`` (ours
    minus theirs); both empty where the paper's UNet has no such layer."""
    both = shares.merge(published_shares(), how="left", on=["layer", "stencil"])
    return both.assign(difference=both["share"] - both["share_published"])
