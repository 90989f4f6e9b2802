"""CPU seconds of the cluster tendency of the paper's UNet, 18 layers and 14,608 kernels: k-means
and silhouettes by scikit-learn, one at a time, against the compiled ones. The tables must be the
same."""

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_samples

from upwind.kernels import cluster_tendency as station
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.clustering import one_thread
from upwind.kernels.layers import Layer
from upwind.kernels.lloyd import Centred, kmeans_labels
from upwind.kernels.silhouette import silhouette_widths
from upwind.networks.unet import UNet

KMeansLabels = Callable[[Centred, int, int, int], tuple[np.ndarray, float]]
Widths = Callable[[np.ndarray, np.ndarray], np.ndarray]


def main() -> None:
    """Print the seconds of both, and whether their tables agree to seven digits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=18, help="only so many, from the first")
    given = parser.parse_args()
    torch.manual_seed(0)
    layers = [
        Layer(number, str(number), layer.weight.detach().numpy())
        for number, layer in enumerate(UNet().layers()[: given.layers], 1)
    ]
    kernels = sum(len(layer.kernels) for layer in layers)
    print(f"{len(layers)} layers, {kernels:,} kernels")
    tables = []
    for name, kmeans, widths in (
        ("compiled", kmeans_labels, silhouette_widths),
        ("scikit-learn", by_scikit_learn, silhouette_samples),
    ):
        seconds, table = measured(layers, kmeans, widths)
        tables.append(table.to_csv(float_format="%.7g"))
        print(f"{name:12s} {seconds:6.1f} s of CPU")
    print("the same tables" if tables[0] == tables[1] else "the tables differ")


def by_scikit_learn(
    given: Centred, clusters: int, seed: int, restarts: int
) -> tuple[np.ndarray, float]:
    """What ``kmeans_labels`` does, by scikit-learn itself."""
    model = KMeans(clusters, random_state=seed, n_init=restarts).fit(given.points)
    return model.labels_, -float(model.score(given.points))


def measured(
    layers: list[Layer], kmeans: KMeansLabels, widths: Widths
) -> tuple[float, pd.DataFrame]:
    """CPU seconds and table with this k-means and these silhouettes; compiling is not counted."""
    settings = AnalysisSettings()
    points = np.random.default_rng(0).normal(size=(20, 9))
    with one_thread():
        widths(points, kmeans(Centred.of(points), 3, 0, 1)[0])
    station.kmeans_labels, station.silhouette_widths = kmeans, widths
    start = time.process_time()
    table, _ = station.cluster_tendency(layers, settings)
    return time.process_time() - start, table


if __name__ == "__main__":
    main()
