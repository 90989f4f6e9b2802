"""How well a study's network does on its unseen patients, on the slices that networks see.

DSC of a patient here is that of all its slices at the networks' own resolution, in three dimensions
but without the way back to the CT's grid: cheap, and the same for every variant. Table I scores on
the CT's grid.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import nn

from upwind.data.slices import Slices, read_liver_slices, read_slices
from upwind.networks.speed import start_of
from upwind.networks.weights import Recipe, load_weights
from upwind.scores.metrics import overlap
from upwind.segmentation.components import connected_with, largest_component
from upwind.segmentation.predict import segment_slices
from upwind.training.kept import kept_files

COLUMNS = ("case", "dsc", "dsc_liver_slices")


def unseen_scores(
    network: nn.Module,
    recipe: Recipe,
    files: Iterable[str | os.PathLike[str]],
    cases: Collection[int],
    device: torch.device,
    postprocess: str | None = None,
) -> pd.DataFrame:
    """One row per unseen patient among the slices ``files``: ``case``, ``dsc`` over all slices and
    ``dsc_liver_slices`` over those within the liver's extent, which networks are trained on; of
    segmentations after ``postprocess``, if any (:class:`upwind.settings.studies.Variant`)."""
    rows, keep = [], _kept_by(postprocess, recipe)
    for slices in slices_of_cases(files, cases):
        mask = keep(segment_slices(network, slices.image, recipe, device) > 0)
        label, bearing = slices.label > 0, slices.liver_bearing > 0
        scores = pooled_dsc(mask, label), pooled_dsc(mask[bearing], label[bearing])
        rows.append((slices.case, *scores))
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("case", ignore_index=True)


def scores_on_the_way(
    folder: str | os.PathLike[str],
    threshold: float,
    files: Sequence[str | os.PathLike[str]],
    cases: Collection[int],
    device: torch.device,
) -> pd.DataFrame:
    """:func:`upwind.studies.scores.unseen_scores` by all weights that a training kept in a
    ``folder``, with ``epoch``, ``weights`` ('last' or 'averaged') and the number of ``parameters``
    that are learned before them."""
    tables = []
    for epoch, reading, path in kept_files(folder):
        network, recipe = load_weights(path, diverged=True)
        learned = (values for values in network.parameters() if values.requires_grad)
        count = sum(values.numel() for values in learned)
        recipe = replace(recipe, threshold=threshold)
        scores = unseen_scores(network, recipe, files, cases, device)
        about = {"epoch": epoch, "weights": reading, "parameters": count}
        tables.append(scores.assign(**about)[[*about, *scores.columns]])
    return pd.concat(tables, ignore_index=True)


def _kept_by(postprocess: str | None, recipe: Recipe) -> Callable[[np.ndarray], np.ndarray]:
    """From a network's bool mask of a patient's slices (n, size, size) to what is kept of it."""
    if postprocess is None:
        return lambda mask: mask
    if postprocess == "largest_component":
        return lambda mask: largest_component(mask.T).T
    disc = start_of(recipe.options["disc"], recipe.image_size).numpy() > 0
    return lambda mask: connected_with(mask, disc)


def slices_of_cases(
    files: Iterable[str | os.PathLike[str]], cases: Collection[int]
) -> Iterator[Slices]:
    """The slices of each of ``cases`` among ``files``, which may hold others; one at a time."""
    for file in files:
        if read_liver_slices(file)[0] in cases:
            yield read_slices(file)


def pooled_dsc(mask: np.ndarray, label: np.ndarray) -> float:
    """DSC of two boolean arrays; NaN where both are empty."""
    return overlap(mask, label)["dsc"]
