"""The slice that the atlas shows, and what it says of it and of the network."""

import os
from dataclasses import dataclass

import numpy as np
import pandas as pd

from upwind.atlas.choice import Choice
from upwind.atlas.network import Clustered
from upwind.data.slices import read_slices
from upwind.methods import catalogue, title
from upwind.segmentation.predict import segment_slices


@dataclass(frozen=True)
class DisplayedSlice:
    """What the page says that it shows.

    Attributes:
        experiment: its name.
        network: the network in words, and ``fold``, what it was trained on: a number, or 'all'.
        choice: case and slice.
        image: the slice in HU (size, size), with ``liver``, the expert's, and ``mask``, the
            network's (bool).
        trained_dsc: of the network as trained, on the ``slices`` of ``patients`` on which effects
            were measured.
    """

    experiment: str
    network: str
    fold: str
    choice: Choice
    image: np.ndarray
    liver: np.ndarray
    mask: np.ndarray
    trained_dsc: float
    patients: int
    slices: int


def shown_slice(
    clustered: Clustered,
    choice: Choice,
    file: str | os.PathLike[str],
    effects: pd.DataFrame,
    experiment: str,
    fold: str,
) -> DisplayedSlice:
    """The chosen slice of a slices ``file`` with the network's segmentation of it; ``effects`` are
    :func:`upwind.atlas.effects.measure_effects`."""
    slices = read_slices(file, keep=np.array([choice.z]))
    first = effects.iloc[0]
    return DisplayedSlice(
        experiment=experiment,
        network=title(catalogue(), "unet", fold),
        fold=fold,
        choice=choice,
        image=slices.image[0],
        liver=slices.label[0] > 0,
        mask=segment_slices(clustered.network, slices.image, clustered.recipe)[0] > 0,
        trained_dsc=float(first["dsc"] - first["change"]),
        patients=int(first["patients"]),
        slices=int(first["slices"]),
    )
