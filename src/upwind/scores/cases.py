"""Scores of one case on its original grid."""

import os
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from upwind.data.labels import read_liver, read_mask
from upwind.data.volumes import Grid, read_grid
from upwind.methods.subsets import HELDOUT, UNSEEN, UNSEEN_LIVER
from upwind.scores.measures import DISTANCES, TOLERANCES, nsd_column
from upwind.scores.metrics import diagonal, overlap, surface_scores, volume_difference

_KEYS = ("method", "fold", "case", "subset")
_COUNTS = ("dsc", "overlap_voxels", "mask_voxels", "label_voxels")
_VOLUMES = ("mask_ml", "label_ml", "volume_difference_ml", "volume_difference_percent")

# Mask and label, and the grid that both lie on.
Pair = tuple[np.ndarray, np.ndarray, Grid]


def read_pair(
    mask_path: str | os.PathLike[str],
    image_path: str | os.PathLike[str],
    label_path: str | os.PathLike[str],
) -> Pair:
    """Mask and liver label (label > 0, tumour included) as canonical bool arrays on the CT's grid,
    and that grid. Raises UpwindError for a mask on another grid."""
    grid = read_grid(image_path)
    return read_mask(mask_path, grid), read_liver(label_path, grid), grid


def columns(tolerances: Sequence[float] = TOLERANCES) -> list[str]:
    """Columns of ``scores.csv``, with the NSD at ``tolerances`` (mm)."""
    nsd = map(nsd_column, tolerances)
    return [*_KEYS, *_COUNTS, *DISTANCES, *nsd, *_VOLUMES, "diagonal_mm"]


def score_unseen(
    mask: np.ndarray,
    label: np.ndarray,
    grid: Grid,
    tolerances: Sequence[float] = TOLERANCES,
) -> list[dict[str, object]]:
    """Rows 'unseen' (whole volume, with surface distances, NSD at ``tolerances`` in mm and the
    volume's diagonal) and 'unseen_liver' (overlap over the liver's extent alone: what the whole
    volume adds is what the method does to slices without liver, which no network is trained on) of
    canonical bool arrays on ``grid``."""
    extent = np.flatnonzero(label.any(axis=(0, 1)))
    part = slice(extent[0], extent[-1] + 1) if extent.size else slice(0, 0)
    whole = _row(UNSEEN, mask, label, grid)
    whole |= surface_scores(mask, label, grid.spacing, tolerances)
    whole |= {"diagonal_mm": diagonal(mask.shape, grid.spacing)}
    return [whole, _row(UNSEEN_LIVER, mask[..., part], label[..., part], grid)]


def score_heldout(
    mask: np.ndarray,
    label: np.ndarray,
    grid: Grid,
    slices: Iterable[int],
) -> dict[str, object]:
    """Row 'heldout': overlap over the given axial slices of the volume, which lies on ``grid``."""
    chosen = np.asarray(list(slices), dtype=int)
    return _row(HELDOUT, mask[..., chosen], label[..., chosen], grid)


def scores_table(
    rows: Iterable[dict[str, object]], tolerances: Sequence[float] = TOLERANCES
) -> pd.DataFrame:
    """Rows (with method, fold, case) as a table with the :func:`columns` of ``scores.csv``."""
    return pd.DataFrame(rows, columns=columns(tolerances))


def _row(subset: str, mask: np.ndarray, label: np.ndarray, grid: Grid) -> dict[str, object]:
    counts = overlap(mask, label)
    mask_ml, label_ml = (counts[f"{name}_voxels"] * grid.voxel_ml for name in ("mask", "label"))
    volumes = {"mask_ml": mask_ml, "label_ml": label_ml} | volume_difference(mask_ml, label_ml)
    return {"subset": subset, **counts, **volumes}
