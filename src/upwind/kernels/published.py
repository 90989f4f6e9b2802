"""What the paper's authors logged for each convolution layer of their trained UNet.

Source: log files in the authors' public code (github.com/jonasactor/livermask). The network was
trained on all 131 cases of LiTS, so other data give other scores; channels must be the same.
"""

import pandas as pd

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
