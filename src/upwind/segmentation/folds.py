"""A fold's segmentations, one NIfTI file a case, on the CT's own grid."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from upwind.data.slices import Slices, read_liver_slices, read_slices, return_to_grid
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
            slices = read_slices(file)
            masks = segment_slices(network, slices.image, recipe, device)
            _write(folder, slices, masks)


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
            slices = read_slices(file)
            masks = np.zeros(slices.image.shape, np.uint8)
            chosen = heldout[case]
            masks[chosen] = segment_slices(network, slices.image[chosen], recipe, device)
            _write(folder, slices, masks)


def _write(folder: str | os.PathLike[str], slices: Slices, masks: np.ndarray) -> None:
    path = Path(folder) / f"segmentation-{slices.case}.nii.gz"
    write_mask(path, return_to_grid(masks, slices.grid), slices.grid)
