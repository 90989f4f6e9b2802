"""All that is measured of the kernels in a file of weights, ours or anybody's."""

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from upwind.common.errors import UpwindError
from upwind.kernels.analysis import analyse
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_verdicts import Watched, unwatched
from upwind.kernels.files.discovery import Network
from upwind.kernels.files.reading import read_network

_DEFAULT = AnalysisSettings()


@dataclass(frozen=True)
class KernelAnalysis:
    """What is known of a network's 3x3 kernels.

    Attributes:
        tables: by name; docs/kernels.md has every table and column.
        unclustered: names of the layers that have too few different kernels to be clustered.
    """

    tables: dict[str, pd.DataFrame]
    unclustered: tuple[str, ...]


def analyse_kernels(
    weights: str | os.PathLike[str],
    *,
    clusters: int = _DEFAULT.clusters,
    seed: int = _DEFAULT.seed,
    sample: int = _DEFAULT.sample,
    map_size: int = 16,
) -> KernelAnalysis:
    """Measure every 3x3 convolution of a trained network. The file is data: nothing in it is run.

    Args:
        weights: a PyTorch state dict, safetensors, ONNX or Keras file.
        clusters: of k-means, in each layer.
        seed: of k-means and of all draws.
        sample: kernels of a layer whose clusters are tested, at most.
        map_size: pixels of the feature map that spectra are taken on.

    Raises:
        UpwindError: a file that is none of these, or has no 3x3 convolution; a number out of its
            limits.
    """
    try:
        effort = AnalysisSettings(clusters=clusters, seed=seed, sample=sample)
    except ValidationError as error:
        told = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise UpwindError(f"kernels cannot be analysed so: {told}") from error
    return analyse_network(read_network(Path(weights)), effort, map_size)


def analyse_network(
    network: Network, settings: AnalysisSettings, map_size: int, watched: Watched = unwatched
) -> KernelAnalysis:
    """The same of a network that is read already; what takes time goes through ``watched``, layer
    by layer."""
    tables, left_out = analyse(network.layers, settings, map_size, watched)
    return KernelAnalysis(network.tables() | tables, tuple(layer.name for layer in left_out))
