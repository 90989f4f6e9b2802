"""The cases of the gallery: picked by score, read from their files."""

from pathlib import Path
from typing import Any

import pandas as pd

from upwind.common.frames import rows
from upwind.data.labels import read_liver, read_mask
from upwind.data.volumes import read_volume, to_display
from upwind.figures.gallery import GalleryItem, largest_slice, pick_cases
from upwind.methods import Methods
from upwind.methods.method import Method
from upwind.methods.subsets import UNSEEN
from upwind.scores.raw import RawCases


def gallery_items(
    scores: pd.DataFrame, methods: Methods, raw: RawCases, results: Path
) -> list[GalleryItem]:
    """The cases of :func:`upwind.figures.gallery.pick_cases` as every method segmented them, each
    at the slice where its label is largest. ``results`` is the experiment's folder."""
    picked = rows(pick_cases(scores, methods))
    return [_item(row, methods[row.method], raw, results) for row in picked]


def _item(row: Any, method: Method, raw: RawCases, results: Path) -> GalleryItem:
    ct = read_volume(raw.images[row.case])
    label = to_display(read_liver(raw.labels[row.case], ct.grid))
    path = results / method.masks[UNSEEN].format(fold=row.fold, case=row.case)
    mask = to_display(read_mask(path, ct.grid))
    z = largest_slice(label)
    x, y, _ = ct.grid.spacing
    return GalleryItem(
        method=method.title,
        colour=method.colour,
        rank=row.rank,
        case=row.case,
        dsc=row.dsc,
        ct=to_display(ct.values(slice(z, z + 1)))[0].copy(),
        label=label[z].copy(),
        mask=mask[z].copy(),
        spacing=(y, x),
    )
