"""Training slices in memory, in the compact types they are stored in."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from upwind.common.errors import UpwindError
from upwind.data.folds import slices_of
from upwind.data.slices import read_liver_slices, read_slices


@dataclass(frozen=True)
class Examples:
    """Slices and masks of one part of a fold: ``images`` (n, size, size) int16 HU, ``masks``
    (n, size, size) uint8, 1 where liver (tumour included, as the authors do [code])."""

    images: np.ndarray
    masks: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def load_examples(
    files: Iterable[str | os.PathLike[str]], split: pd.DataFrame, fold: str, part: str
) -> Examples:
    """The slices of ``part`` ('train' or 'heldout') of ``fold``, in the order of ``files``, which
    may hold cases that the part does not use. Raises UpwindError where there are none."""
    wanted = slices_of(split, fold, part)
    images, masks = [], []
    for file in files:
        case, _ = read_liver_slices(file)
        if case in wanted:
            slices = read_slices(file, keep=wanted[case])
            images.append(slices.image)
            masks.append((slices.label > 0).astype(np.uint8))
    if not images:
        raise UpwindError(
            f"fold {fold} has no slice in its part '{part}': too few slices show liver; use fewer "
            "folds, more cases, or another heldout_share"
        )
    return Examples(np.concatenate(images), np.concatenate(masks))
