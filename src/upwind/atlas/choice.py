"""Which slices a network has not been trained on, and which one of them the atlas shows.

The analysed network has as a rule been trained on all patients, as the paper's was: it has no
unseen ones. What it has not seen are the slices held out of its training. A fold's network is shown
on its unseen patients.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from upwind.common.errors import UpwindError
from upwind.data.folds import TRAIN
from upwind.figures.gallery import pick_cases
from upwind.methods import catalogue

MEDIAN, MIDDLE = "median", "middle"


@dataclass(frozen=True)
class Choice:
    """A ``case``, the index of one of its slices ``z`` (from 0), and whether the network was
    ``trained_on`` that slice."""

    case: int
    z: int
    trained_on: bool


def untrained_slices(
    split: pd.DataFrame, liver_slices: Mapping[int, list[int]]
) -> dict[int, list[int]]:
    """Those of ``liver_slices`` (indices by case) that are no training slices in a fold's ``split``
    (:func:`upwind.data.folds.split_slices`); cases without such slices are left out."""
    train = split[split["part"] == TRAIN]
    trained = set(zip(train["case"], train["slice"], strict=True))
    found = {
        case: [z for z in slices if (case, z) not in trained]
        for case, slices in sorted(liver_slices.items())
    }
    return {case: slices for case, slices in found.items() if slices}


def choose_slice(
    case: str | int,
    z: str | int,
    liver_slices: Mapping[int, list[int]],
    untrained: Mapping[int, list[int]],
    scores: pd.DataFrame | None = None,
) -> Choice:
    """The slice that the settings ``case`` (median, or a number) and ``z`` (middle, or an index)
    name.

    ``median`` is the case whose DSC as an unseen patient (``scores``, rows of ``scores.csv``) is
    the median, the lower of two as near, among the cases in ``untrained``. ``middle`` is the slice
    nearest to the middle of the liver's extent, the lower of two as near, among those not trained
    on; all of the liver's where the case has none.

    Raises:
        UpwindError: no such case or slice.
    """
    chosen = _median(scores, untrained) if case == MEDIAN else case
    if not isinstance(chosen, int) or chosen not in liver_slices:
        raise UpwindError(
            f"atlas.case: no case {chosen} with liver among those that the network is shown on "
            f"({', '.join(map(str, sorted(liver_slices)))})"
        )
    slices, unseen = liver_slices[chosen], untrained.get(chosen, [])
    if z == MIDDLE:
        middle = (slices[0] + slices[-1]) / 2
        z = min(unseen or slices, key=lambda index: (abs(index - middle), index))
    if not isinstance(z, int) or z not in slices:
        raise UpwindError(
            f"atlas.slice: slice {z} of case {chosen} shows no liver; its liver is in slices "
            f"{slices[0]} to {slices[-1]}"
        )
    return Choice(chosen, z, z not in unseen)


def _median(scores: pd.DataFrame | None, untrained: Mapping[int, list[int]]) -> int:
    if scores is None or not untrained:
        raise UpwindError(
            "atlas.case: there is no slice that the network was not trained on; name a case"
        )
    picked = pick_cases(scores[scores["case"].isin(list(untrained))], catalogue())
    return int(picked.loc[picked["rank"] == MEDIAN, "case"].iloc[0])


def spread(untrained: Mapping[int, list[int]], most: int) -> dict[int, np.ndarray]:
    """At most ``most`` of the ``untrained`` slices, evenly spread over them in order of case and
    slice, so that patients and levels of the liver keep their shares."""
    rows = [(case, z) for case, slices in sorted(untrained.items()) for z in slices]
    places = np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)
    kept = [rows[place] for place in places]
    cases = sorted({case for case, _ in kept})
    return {case: np.array([z for owner, z in kept if owner == case]) for case in cases}
