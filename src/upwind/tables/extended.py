"""The extended table: what compares, unseen patients alone, and what each method was given."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from upwind.common import frames
from upwind.common.intervals import Resampling
from upwind.methods import Methods
from upwind.methods.subsets import UNSEEN
from upwind.tables.comparison import compare
from upwind.tables.table1 import fold_table, page, to_rows

NOTES = (
    "DSC of whole volumes of unseen patients on the CT's own grid, averaged over a fold's cases.",
    "ITK-SNAP is oracle-initialised: its operator uses the label of the patient that is segmented, "
    "so that its column is an upper bound of the method. The other columns use no such label.",
    "Patients of a fold share a network, so that an interval is over folds. The means of seeds are "
    "those of the same networks trained from other seeds: a range, which no interval covers.",
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


def spread(scores: pd.DataFrame, methods: Methods, settings: Resampling) -> pd.DataFrame:
    """One row per method: its mean DSC over unseen patients, with the interval and the range over
    seeds that ``comparison.csv`` has (:func:`upwind.tables.comparison.compare`), for people."""
    unseen = scores[scores["subset"] == UNSEEN]
    dsc = unseen[[c for c in ("method", "fold", "case", "subset", "seed", "dsc") if c in unseen]]
    compared = compare(dsc, settings.resamples, settings.confidence, settings.seed)
    single = {row.method: row for row in frames.rows(compared[compared["other"] == ""])}
    columns = [
        "Method", "patients", "mean", f"{settings.confidence:.0%} interval", "interval over",
        "seeds", "means of seeds",
    ]  # fmt: skip
    rows = [
        (method.title, *_spread(single[key])) for key, method in methods.items() if key in single
    ]
    return pd.DataFrame(rows, columns=columns)


def to_markdown(
    table: pd.DataFrame, methods: Methods, spread: pd.DataFrame, notes: Sequence[str] = ()
) -> str:
    """The table, the :func:`spread`, what each method was given, and notes."""
    items = "\n".join(f"- {note}" for note in (*NOTES, *notes))
    information = to_rows(_information(methods), numbers=False)
    return f"{to_rows(_shown(table, methods))}\n{to_rows(spread)}\n{information}\n{items}\n"


def to_html(
    table: pd.DataFrame, methods: Methods, spread: pd.DataFrame, notes: Sequence[str] = ()
) -> str:
    """The same as a page of its own."""
    tables = {
        "": _shown(table, methods).to_html(index=False, border=0, escape=True),
        "Over patients and seeds": spread.to_html(index=False, border=0, escape=True),
        "What each was given": _information(methods).to_html(
            index=False, border=0, escape=True, classes="words"
        ),
    }
    return page("Unseen patients: DSC for each fold", tables, (*NOTES, *notes))


def _spread(row: Any) -> tuple[str, ...]:
    def bounds(low: float, high: float) -> str:
        return "" if pd.isna(low) else f"{low:.3f} to {high:.3f}"

    interval, seeds = bounds(row.low, row.high), bounds(row.seed_low, row.seed_high)
    return str(row.patients), f"{row.mean:.3f}", interval, row.over, str(row.seeds), seeds


def _shown(table: pd.DataFrame, methods: Methods) -> pd.DataFrame:
    titles = {key: method.title for key, method in methods.items()}
    shown = table.rename(columns={"fold": "Fold"} | titles)
    return shown.map(lambda cell: cell if isinstance(cell, str) else f"{cell:.3f}")


def _information(methods: Methods) -> pd.DataFrame:
    rows = [(method.title, method.knows, method.has) for method in methods.values()]
    return pd.DataFrame(
        rows, columns=["Method", "knows of the unseen patient", "has from training patients"]
    )
