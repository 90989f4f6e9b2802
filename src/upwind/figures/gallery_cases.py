"""The cases of the gallery: picked by score, read from their files."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from upwind.common.frames import rows
from upwind.data.volumes import Volume, read_volume, to_display
from upwind.figures.gallery import GalleryItem, largest_slice, pick_cases
from upwind.methods import Methods
from upwind.methods.method import Method
from upwind.methods.subsets import UNSEEN
from upwind.scores.raw import RawCases


def gallery_items(
    scores: pd.DataFrame, methods: Methods, raw: RawCases, results: Path
) -> list[GalleryItem]:
    """Best, median and worst unseen case of each method, each at the slice where its label is
    largest. ``results`` is the experiment's folder."""
    picked = rows(pick_cases(scores, methods))
    return [_item(row, methods[row.method], raw, results) for row in picked]


def _item(row: Any, method: Method, raw: RawCases, results: Path) -> GalleryItem:
    ct = read_volume(raw.images[row.case])
    label = read_volume(raw.labels[row.case], affine=ct.grid.affine)
    mask = read_volume(results / method.masks[UNSEEN].format(fold=row.fold, case=row.case))
    z = largest_slice(to_display(label.array))
    x, y, _ = ct.grid.spacing
    return GalleryItem(
        method=method.title,
        colour=method.colour,
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
