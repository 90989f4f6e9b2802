"""The sections ``dataset`` and ``intensity``: the raw volumes, and what a network sees of them."""

import os
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from upwind.settings.model import Number, Settings, Window


def _a_folder(text: str) -> str:
    """A path as the workflow's rules can take it: ``~`` and ``$HOME`` replaced, without what says
    nothing (``./``, a slash at the end)."""
    path = os.path.normpath(os.path.expandvars(os.path.expanduser(text)))  # noqa: PTH111
    if not path.isprintable() or any(char in path for char in "{}*?[]$"):
        raise ValueError("holds a character that the workflow reads as a pattern: name another")
    if path in (".", "..", "/"):
        raise ValueError("is no folder of volumes alone: give them one of their own")
    return path


DatasetKind = Literal["phantom", "lits", "msd"]
# What the patients are of, for people. Task03 of the Decathlon is LiTS' training set.
DATA_TITLES = {"phantom": "the phantom", "lits": "LiTS", "msd": "LiTS"}


class DatasetSettings(Settings):
    """The raw volumes."""

    kind: DatasetKind = "lits"
    """`lits`: `volume-N.nii[.gz]` and `segmentation-N.nii[.gz]`; `msd`: Medical Decathlon,
    `imagesTr/liver_N.nii.gz` and `labelsTr/liver_N.nii.gz`; `phantom`: made here.

    Source: paper (LiTS)."""
    root: Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_a_folder)] = (
        "data/lits"
    )
    """Folder of the volumes; the phantom's are written there. `~` and `$HOME` are replaced.

    Source: ours, where `upwind import lits` puts them."""
    on_bad_case: Literal["stop", "skip"] = "stop"
    """A bad case stops the run with the table of all cases and all their problems; `skip` leaves it
    out and names it in the report.

    Source: ours: which cases an experiment is about is decided by a person."""
    patients: Annotated[int, Field(ge=2, le=10_000)] = 20
    """Patients of the phantom; the other kinds take what they find.

    Source: ours: four unseen ones in each of five folds."""
    phantom_seed: Number = 0
    """Seed of the phantom; another seed is another 20 patients.

    Source: ours."""


class IntensitySettings(Settings):
    """What a network sees of HU."""

    window: Window = (-100, 400)
    """HU, clipped and rescaled to [-1, 1].

    Source: code, in its later revisions."""
