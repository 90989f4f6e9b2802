"""A fold's segmentations, one NIfTI file a case, on the CT's own grid."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from upwind.data.slices import read_liver_slices, read_slices, return_to_grid
from upwind.data.volumes import write_mask
from upwind.networks.weights import Recipe
from upwind.segmentation.predict import segment_slices


def segment_unseen(
    network: nn.Module,
    recipe: Recipe,
    files: Iterable[str | os.PathLike[str]],
    cases: Iterable[int],
    folder: str | os.PathLike[str],
    device: torch.device,
) -> None:
    """Segment every slice of ``cases``; write ``segmentation-N.nii.gz`` in ``folder``."""
    chosen = set(cases)
    for file in files:
        case, _ = read_liver_slices(file)
        if case in chosen:
            _segment_file(network, recipe, file, slice(None), folder, device)


def segment_heldout(
    network: nn.Module,
    recipe: Recipe,
    files: Iterable[str | os.PathLike[str]],
    heldout: Mapping[int, np.ndarray],
    folder: str | os.PathLike[str],
    device: torch.device,
) -> None:
    """Segment only the held-out slices (indices by case); the other slices of a file stay 0."""
    for file in files:
        case, _ = read_liver_slices(file)
        if case in heldout:
            _segment_file(network, recipe, file, heldout[case], folder, device)


def _segment_file(
    network: nn.Module,
    recipe: Recipe,
    file: str | os.PathLike[str],
    chosen: np.ndarray | slice,
    folder: str | os.PathLike[str],
    device: torch.device,
) -> None:
    """Segment the ``chosen`` slices of a case. A function of its own, so that memory holds one
    case, not two."""
    slices = read_slices(file)
    masks = np.zeros(slices.image.shape, np.uint8)
    masks[chosen] = segment_slices(network, slices.image[chosen], recipe, device)
    path = Path(folder) / f"segmentation-{slices.case}.nii.gz"
    write_mask(path, return_to_grid(masks, slices.grid), slices.grid)
