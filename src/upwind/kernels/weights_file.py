"""All that is measured of the kernels in a file of weights, ours or anybody's."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from upwind.common.errors import UpwindError
from upwind.common.side_by_side import cores
from upwind.kernels.analysis import analyse
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_verdicts import Watched, unwatched
from upwind.kernels.files.discovery import Network
from upwind.kernels.files.reading import read_network
from upwind.kernels.layers import by_size
from upwind.kernels.sizes import FIGURE2, in_words
from upwind.kernels.tables import Tables, write_tables

_DEFAULT = AnalysisSettings()
_MAIN = in_words(FIGURE2)


@dataclass(frozen=True)
class KernelAnalysis:
    """What is known of a network's kernels.

    Attributes:
        tables: by name: of the file, ``network`` and ``left_out``; of its 3x3 kernels, if it has
            any, all others. docs/kernels.md has every table and column.
        unclustered: names of the layers that have too few different kernels to be clustered.
        others: the same tables of kernels of other sizes, by size: ``5x5``, say.
    """

    tables: dict[str, pd.DataFrame]
    unclustered: tuple[str, ...]
    others: Mapping[str, dict[str, pd.DataFrame]] = field(default_factory=dict)

    @property
    def drawn(self) -> pd.DataFrame:
        """The rows of ``network`` of whose kernels some were drawn and looked at, and not all."""
        network = self.tables["network"]
        return network[network["looked_at"] < network["kernels"]]

    @property
    def sizes(self) -> dict[str, Tables]:
        """What is known of each size, by size, with its own layers in ``network``."""
        found = {_MAIN: self.tables} if "moments" in self.tables else {}
        network = self.tables["network"]
        return {
            size: tables | {"network": network[network["size"] == size]}
            for size, tables in (found | dict(self.others)).items()
        }

    def place(self, size: str) -> str:
        """Where the tables and figures of a size lie below those of the file: ``5x5/``, say."""
        return "" if size == _MAIN else f"{size}/"

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Write every table, those of other sizes than 3x3 in a folder of their own."""
        write_tables(self.tables, folder)
        for size, tables in self.others.items():
            write_tables(tables, Path(folder) / self.place(size))


def analyse_kernels(
    weights: str | os.PathLike[str],
    *,
    clusters: int = _DEFAULT.clusters,
    seed: int = _DEFAULT.seed,
    sample: int = _DEFAULT.sample,
    map_size: int = 16,
) -> KernelAnalysis:
    """Measure every convolution of a trained network whose kernels are of 3x3, 5x5, 7x7 or 3x3x3.
    The file is data: nothing in it is run.

    Args:
        weights: a PyTorch state dict, safetensors, ONNX or Keras file.
        clusters: of k-means, in each layer.
        seed: of k-means and of all draws.
        sample: kernels of a layer that are looked at, at most; of more, so many are drawn.
        map_size: pixels of the feature map that spectra are taken on.

    Raises:
        UpwindError: a file that is none of these, or has no such convolution; a number out of its
            limits.
    """
    try:
        effort = AnalysisSettings(clusters=clusters, seed=seed, sample=sample)
    except ValidationError as error:
        told = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise UpwindError(f"kernels cannot be analysed so: {told}") from error
    return analyse_network(read_network(Path(weights)), effort, map_size, threads=cores())


def analyse_network(
    network: Network,
    settings: AnalysisSettings,
    map_size: int,
    watched: Watched = unwatched,
    threads: int = 1,
) -> KernelAnalysis:
    """The same of a network that is read already; what takes time goes through ``watched``, layer
    by layer, on ``threads``."""
    found: dict[str, Tables] = {}
    unclustered: list[str] = []
    for size, layers in by_size(network.layers).items():
        tables, left_out = analyse(layers, settings, map_size, watched, threads)
        found[in_words(size)] = tables
        unclustered += [layer.name for layer in left_out]
    main = network.tables() | found.pop(_MAIN, {})
    of_network = main["network"]
    main["network"] = of_network.assign(looked_at=of_network["kernels"].clip(upper=settings.sample))
    return KernelAnalysis(main, tuple(unclustered), found)
