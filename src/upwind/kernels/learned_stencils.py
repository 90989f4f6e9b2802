"""What the LSN's nine stencils have become: how far from the finite differences they started as,
and which derivatives they take now."""

import os

import numpy as np
import pandas as pd

from upwind.common.errors import UpwindError
from upwind.kernels.moments import MOMENTS, START, moments
from upwind.kernels.stencils import WEIGHTS
from upwind.levelset.equation.scheme import STENCIL_NAMES, finite_differences
from upwind.networks.lsn import LSN
from upwind.networks.weights import load_weights


def stencil_table(folds: dict[str, str | os.PathLike[str]]) -> pd.DataFrame:
    """One row per fold and stencil, ``folds`` being the LSN's weights files by fold, and before
    them the finite differences as fold 'start'.

    Columns: ``fold``, ``stencil`` (D-x, ...), ``distance`` (Euclidean, from the stencil's start),
    ``angle_degrees`` to it, ``w0`` to ``w8`` (row-major), ``m00`` to ``m22`` (the moment matrix,
    :func:`upwind.kernels.moments.moments`). Raises UpwindError for weights that are not an LSN's.
    """
    start = finite_differences().double().numpy()
    parts = [_rows(START, start, start)]
    parts += [_rows(fold, _stencils(path), start) for fold, path in folds.items()]
    return pd.concat(parts, ignore_index=True)


def _stencils(path: str | os.PathLike[str]) -> np.ndarray:
    network, recipe = load_weights(path, diverged=True)
    if not isinstance(network, LSN):
        raise UpwindError(f"{path} is a {recipe.network}; stencils are read from an lsn")
    return network.stencils.detach().double().numpy()


def _rows(fold: str, stencils: np.ndarray, start: np.ndarray) -> pd.DataFrame:
    flat, flat_start = stencils.reshape(9, 9), start.reshape(9, 9)
    lengths = np.linalg.norm(flat, axis=1) * np.linalg.norm(flat_start, axis=1)
    cosines = np.divide((flat * flat_start).sum(axis=1), lengths)
    table = pd.DataFrame({"fold": fold, "stencil": STENCIL_NAMES})
    table["distance"] = np.linalg.norm(flat - flat_start, axis=1)
    table["angle_degrees"] = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    matrices = moments(stencils).reshape(9, 9)
    numbers = pd.DataFrame(np.hstack([flat, matrices]), columns=[*WEIGHTS, *MOMENTS])
    return table.join(numbers)
