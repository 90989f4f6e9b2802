"""The cases of the gallery: picked by score, read from their files."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from upwind.data.volumes import Volume, read_volume, to_display
from upwind.figures.gallery import GalleryItem, largest_slice, pick_cases
from upwind.scores.raw import RawCases


def gallery_items(scores: pd.DataFrame, raw: RawCases, segmentations: Path) -> list[GalleryItem]:
    """Best, median and worst unseen case of each method, each at the slice where its label is
    largest. ``segmentations`` is the experiment's folder of that name."""
    return [_item(row, raw, segmentations) for row in pick_cases(scores).itertuples()]


def segmentation_path(segmentations: Path, method: str, fold: int, case: int) -> Path:
    """Where a method's segmentation of an unseen case is."""
    folder = segmentations / method
    if method != "itk_snap":  # its operator needs no training, so it has no folds
        folder = folder / str(fold) / "unseen"
    return folder / f"segmentation-{case}.nii.gz"


def _item(row: Any, raw: RawCases, segmentations: Path) -> GalleryItem:
    ct = read_volume(raw.images[row.case])
    label = read_volume(raw.labels[row.case], affine=ct.grid.affine)
    mask = read_volume(segmentation_path(segmentations, row.method, row.fold, row.case))
    z = largest_slice(to_display(label.array))
    x, y, _ = ct.grid.spacing
    return GalleryItem(
        method=row.method,
        rank=row.rank,
        case=row.case,
        dsc=row.dsc,
        ct=_slice(ct, z),
        label=_slice(label, z) > 0,
        mask=_slice(mask, z) > 0,
        spacing=(y, x),
    )


def _slice(volume: Volume, z: int) -> np.ndarray:
    return to_display(volume.values(slice(z, z + 1)))[0]
