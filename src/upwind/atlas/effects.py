"""What each cluster of kernels is worth: the change of DSC when its kernels are taken away.

Nothing is trained again. The DSC of a patient is that of all its measured slices together, at the
network's own resolution, as in :mod:`upwind.studies.scores`.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from upwind.atlas.network import Clustered
from upwind.common.errors import UpwindError
from upwind.data.slices import read_liver_slices, read_slices
from upwind.segmentation.predict import segment_slices
from upwind.studies.scores import pooled_dsc
from upwind.tables.comparison import interval

COLUMNS = (
    "layer", "cluster", "removed", "kernels", "relative_norm", "dsc", "change", "low", "high",
    "patients", "slices",
)  # fmt: skip
ZERO, MEAN = "zero", "mean"


@dataclass(frozen=True)
class Examples:
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
) -> Examples:
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
    return Examples(images, liver)


def measure_effects(
    clustered: Clustered,
    examples: Examples,
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
    the difference to the network as trained), ``low`` and ``high`` (its percentile bootstrap
    interval over patients), ``patients`` and ``slices`` that were measured.
    """
    trained = _scores(clustered, examples, device)
    rows = []
    for number, (layer, clusters) in enumerate(
        zip(clustered.layers, clustered.clusters, strict=True), start=1
    ):
        for cluster in np.unique(clusters):
            chosen = clusters == cluster
            with _without(layer, chosen, removed) as relative_norm:
                scores = _scores(clustered, examples, device)
            change = (scores - trained).dropna()
            found = interval(change, resamples, confidence, seed)
            about = (number, int(cluster), removed, int(chosen.sum()), relative_norm)
            effect = (scores.mean(), found["mean"], found["low"], found["high"])
            rows.append((*about, *effect, found["patients"], examples.slices))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _scores(clustered: Clustered, examples: Examples, device: torch.device) -> pd.Series:
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


@contextlib.contextmanager
def _without(layer: nn.Conv2d, chosen: np.ndarray, removed: str) -> Iterator[float]:
    """Take the ``chosen`` kernels (out, in) of a layer away while the block runs; yields the norm
    of the change over that of the layer's weights."""
    weight = layer.weight.data
    kept = weight.clone()
    mask = torch.from_numpy(chosen).to(weight.device)[:, :, None, None]
    instead = kept.mean(dim=(0, 1)) if removed == MEAN else torch.zeros_like(kept[0, 0])
    try:
        weight.copy_(torch.where(mask, instead, kept))
        yield float((weight - kept).double().norm() / kept.double().norm())
    finally:
        # Into what the layer holds now: a network may have gone to another device meanwhile.
        layer.weight.data.copy_(kept)
