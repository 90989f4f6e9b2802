"""What each cluster of kernels is worth: the change of DSC when its kernels are taken away.

Nothing is trained again. The DSC of a patient is that of all its measured slices together, at the
network's own resolution, as in :mod:`upwind.studies.scores`.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from upwind.atlas.network import Clustered
from upwind.common.errors import UpwindError
from upwind.common.intervals import Resampling, mean_interval
from upwind.data.slices import read_liver_slices, read_slices
from upwind.kernels.replacements import relative_norm
from upwind.networks.patching import answering, convolving, layer_kernels
from upwind.segmentation.predict import segment_slices
from upwind.studies.scores import pooled_dsc

COLUMNS = (
    "layer", "cluster", "removed", "kernels", "relative_norm", "dsc", "change", "low", "high",
    "patients", "slices",
)  # fmt: skip
ZERO, MEAN = "zero", "mean"


@dataclass(frozen=True)
class UnseenSlices:
    """Slices to measure on, patient by patient: ``images`` (n, size, size) in HU and ``liver``
    (n, size, size) bool by case."""

    images: Mapping[int, np.ndarray]
    liver: Mapping[int, np.ndarray]

    @property
    def slices(self) -> int:
        """How many."""
        return sum(len(images) for images in self.images.values())


def read_examples(
    files: Iterable[str | os.PathLike[str]], chosen: Mapping[int, np.ndarray]
) -> UnseenSlices:
    """The ``chosen`` slices (indices by case) of slices ``files``. Raises UpwindError for none."""
    images, liver = {}, {}
    for file in files:
        case, _ = read_liver_slices(file)
        if case in chosen:
            slices = read_slices(file, keep=chosen[case])
            images[case], liver[case] = slices.image, slices.label > 0
    if not images:
        raise UpwindError(
            "there is no slice with liver that the network was not trained on: clusters cannot be "
            "measured; raise heldout_share, or set kernels.network to a fold"
        )
    return UnseenSlices(images, liver)


def measure_effects(
    clustered: Clustered,
    examples: UnseenSlices,
    removed: str,
    device: torch.device,
    resamples: int,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """One row per layer and cluster whose kernels are taken away: set to zero (``removed`` is
    'zero') or to the mean kernel of their layer ('mean').

    Columns: ``layer``, ``cluster``, ``removed``, ``kernels`` (how many), ``relative_norm`` (of the
    change of the layer's weights), ``dsc`` (mean over patients), ``change`` (mean over patients of
    the difference to the network as trained), ``low`` and ``high`` (its interval over patients,
    :func:`upwind.common.intervals.mean_interval`: the network is this one), ``patients`` and
    ``slices`` that were measured.
    """
    settings = Resampling(resamples, confidence, seed)
    trained = _scores(clustered, examples, device)
    rows = []
    for number, (layer, clusters) in enumerate(
        zip(clustered.layers, clustered.clusters, strict=True), start=1
    ):
        kernels = layer_kernels(layer)
        for cluster in np.unique(clusters):
            chosen = clusters == cluster
            kept = _without(kernels, chosen, removed)
            with answering({layer: convolving(layer, kept)}):
                scores = _scores(clustered, examples, device)
            change = (scores - trained).dropna()
            found = mean_interval(change.to_numpy(), settings)
            norm = relative_norm(kernels, kept)
            about = (number, int(cluster), removed, int(chosen.sum()), norm)
            effect = (scores.mean(), found.mean, found.low, found.high)
            rows.append((*about, *effect, len(change), examples.slices))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _scores(clustered: Clustered, examples: UnseenSlices, device: torch.device) -> pd.Series:
    """DSC by case."""
    return pd.Series(
        {
            case: pooled_dsc(
                segment_slices(clustered.network, images, clustered.recipe, device) > 0,
                examples.liver[case],
            )
            for case, images in examples.images.items()
        }
    )


def _without(kernels: np.ndarray, chosen: np.ndarray, removed: str) -> np.ndarray:
    """A layer's ``kernels`` (out, in, 3, 3) with the ``chosen`` ones (out, in) taken away."""
    instead = kernels.mean(axis=(0, 1)) if removed == MEAN else 0.0
    return np.where(chosen[:, :, None, None], instead, kernels)
