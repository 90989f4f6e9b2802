"""Scores of one case on its original grid."""

import os
from collections.abc import Iterable

import numpy as np
import pandas as pd

from upwind.common.errors import UpwindError
from upwind.data.volumes import read_grid
from upwind.data.voxels import read_positive
from upwind.methods.subsets import HELDOUT, UNSEEN, UNSEEN_LIVER
from upwind.scores.metrics import overlap, surface_distances

COLUMNS = (
    "method", "fold", "case", "subset", "dsc", "overlap_voxels", "mask_voxels", "label_voxels",
    "hd95_mm", "assd_mm", "mask_ml", "label_ml",
)  # fmt: skip

# Mask, label and spacing (mm).
Pair = tuple[np.ndarray, np.ndarray, tuple[float, float, float]]


def read_pair(
    mask_path: str | os.PathLike[str],
    image_path: str | os.PathLike[str],
    label_path: str | os.PathLike[str],
) -> Pair:
    """Mask and liver label (label > 0, tumour included) as canonical bool arrays on the CT's grid,
    and the spacing in mm."""
    grid = read_grid(image_path)
    mask, label = (read_positive(path, grid.affine) for path in (mask_path, label_path))
    if mask.shape != label.shape:
        raise UpwindError(
            f"{mask_path} has shape {mask.shape} and {label_path} {label.shape}; "
            "delete the segmentation and run again"
        )
    return mask, label, grid.spacing


def score_unseen(
    mask: np.ndarray, label: np.ndarray, spacing: tuple[float, float, float]
) -> list[dict[str, object]]:
    """Rows 'unseen' (whole volume, with surface distances) and 'unseen_liver' (overlap over the
    liver's extent alone: what the whole volume adds is what the method does to slices without
    liver, which no network is trained on)."""
    extent = np.flatnonzero(label.any(axis=(0, 1)))
    part = slice(extent[0], extent[-1] + 1) if extent.size else slice(0, 0)
    whole = _row(UNSEEN, mask, label, spacing) | surface_distances(mask, label, spacing)
    return [whole, _row(UNSEEN_LIVER, mask[..., part], label[..., part], spacing)]


def score_heldout(
    mask: np.ndarray,
    label: np.ndarray,
    spacing: tuple[float, float, float],
    slices: Iterable[int],
) -> dict[str, object]:
    """Row 'heldout': overlap over the given axial slices of the volume."""
    chosen = np.asarray(list(slices), dtype=int)
    return _row(HELDOUT, mask[..., chosen], label[..., chosen], spacing)


def scores_table(rows: Iterable[dict[str, object]]) -> pd.DataFrame:
    """Rows (with method, fold, case) as a table with the columns of ``scores.csv``."""
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(
    subset: str, mask: np.ndarray, label: np.ndarray, spacing: tuple[float, float, float]
) -> dict[str, object]:
    counts = overlap(mask, label)
    millilitres = float(np.prod(spacing)) / 1000
    return {
        "subset": subset,
        **counts,
        "mask_ml": counts["mask_voxels"] * millilitres,
        "label_ml": counts["label_voxels"] * millilitres,
    }
