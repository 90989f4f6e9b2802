"""The extended table: what compares, unseen patients alone, and what each method was given."""

from collections.abc import Sequence

import pandas as pd

from upwind.scores.subsets import UNSEEN
from upwind.tables.table1 import fold_table, page, to_rows

METHODS = ("itk_snap", "itk_snap_blind", "unet", "lsn")
HEADINGS = {
    "itk_snap": "ITK-SNAP",
    "itk_snap_blind": "ITK-SNAP, blind",
    "unet": "UNet",
    "lsn": "LSN",
}
# Method: what it knows of the patient that it segments; what it has from training patients.
INFORMATION = {
    "itk_snap": (
        "CT and ground truth: region of interest, bubble, choice of the parameters, when to stop",
        "nothing",
    ),
    "itk_snap_blind": (
        "CT",
        "place and size of the bubble, size of the region of interest, parameters, when to stop",
    ),
    "unet": ("CT", "weights"),
    "lsn": ("CT", "weights, place of the initial disc"),
}
NOTES = (
    "DSC of whole volumes of unseen patients on the CT's own grid, averaged over a fold's cases.",
    "ITK-SNAP's operator sees the ground truth, so its column is what the method can reach; the "
    "other columns are what methods reach on patients that they know nothing of.",
)


def extended_table(scores: pd.DataFrame, failed: Sequence[int] = ()) -> pd.DataFrame:
    """Columns fold and :data:`METHODS`; rows as in :func:`upwind.tables.table1.table1`. Unrounded.

    Raises UpwindError as that does.
    """
    about = {method: (method, UNSEEN) for method in METHODS}
    return fold_table(scores, about, failed, "the extended table")


def to_markdown(table: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """The table, what each method was given, and notes."""
    items = "\n".join(f"- {note}" for note in (*NOTES, *notes))
    return f"{to_rows(_shown(table))}\n{to_rows(_information(), numbers=False)}\n{items}\n"


def to_html(table: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """The same as a page of its own."""
    tables = {
        "": _shown(table).to_html(index=False, border=0, escape=True),
        "What each was given": _information().to_html(
            index=False, border=0, escape=True, classes="words"
        ),
    }
    return page("Unseen patients: DSC for each fold", tables, (*NOTES, *notes))


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    shown = table.rename(columns={"fold": "Fold"} | HEADINGS)
    return shown.map(lambda cell: cell if isinstance(cell, str) else f"{cell:.3f}")


def _information() -> pd.DataFrame:
    rows = [(HEADINGS[method], *INFORMATION[method]) for method in METHODS]
    return pd.DataFrame(
        rows, columns=["Method", "knows of the unseen patient", "has from training patients"]
    )
