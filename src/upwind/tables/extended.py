"""The extended table: what compares, unseen patients alone, and what each method was given."""

from collections.abc import Sequence

import pandas as pd

from upwind.methods import Methods
from upwind.methods.subsets import UNSEEN
from upwind.tables.table1 import fold_table, page, to_rows

NOTES = (
    "DSC of whole volumes of unseen patients on the CT's own grid, averaged over a fold's cases.",
    "ITK-SNAP's operator sees the ground truth, so its column is what the method can reach; the "
    "other columns are what methods reach on patients that they know nothing of.",
)


def extended_table(
    scores: pd.DataFrame, methods: Methods, failed: Sequence[int] = ()
) -> pd.DataFrame:
    """Columns fold and the keys of all ``methods``; rows as in
    :func:`upwind.tables.table1.table1`. Unrounded.

    Raises UpwindError as that does.
    """
    about = {key: (key, UNSEEN) for key in methods}
    return fold_table(scores, about, failed, "the extended table")


def to_markdown(table: pd.DataFrame, methods: Methods, notes: Sequence[str] = ()) -> str:
    """The table, what each method was given, and notes."""
    items = "\n".join(f"- {note}" for note in (*NOTES, *notes))
    information = to_rows(_information(methods), numbers=False)
    return f"{to_rows(_shown(table, methods))}\n{information}\n{items}\n"


def to_html(table: pd.DataFrame, methods: Methods, notes: Sequence[str] = ()) -> str:
    """The same as a page of its own."""
    tables = {
        "": _shown(table, methods).to_html(index=False, border=0, escape=True),
        "What each was given": _information(methods).to_html(
            index=False, border=0, escape=True, classes="words"
        ),
    }
    return page("Unseen patients: DSC for each fold", tables, (*NOTES, *notes))


def _shown(table: pd.DataFrame, methods: Methods) -> pd.DataFrame:
    titles = {key: method.title for key, method in methods.items()}
    shown = table.rename(columns={"fold": "Fold"} | titles)
    return shown.map(lambda cell: cell if isinstance(cell, str) else f"{cell:.3f}")


def _information(methods: Methods) -> pd.DataFrame:
    rows = [(method.title, method.knows, method.has) for method in methods.values()]
    return pd.DataFrame(
        rows, columns=["Method", "knows of the unseen patient", "has from training patients"]
    )
