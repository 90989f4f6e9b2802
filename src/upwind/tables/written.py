"""Table I and the extended table as they are published: every file of them, from what they rest
on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from upwind.common.intervals import Resampling
from upwind.methods import Methods
from upwind.tables import extended
from upwind.tables.followup_plan import absence_note
from upwind.tables.table1 import (
    coverage_notes,
    failed_folds,
    failed_notes,
    left_out_notes,
    mask_notes,
    size_notes,
    table1,
    to_html,
    to_latex,
    to_markdown,
)


@dataclass(frozen=True)
class Sources:
    """What the tables rest on: ``scores`` of the first seed and ``of_all_seeds``, ``verdicts``,
    ``cases`` and tables of ``masks`` as their files have them; ``no_followup`` is why there is no
    follow-up (empty where there is one); ``effort`` are the fields of :class:`Resampling`."""

    scores: pd.DataFrame
    of_all_seeds: pd.DataFrame
    verdicts: pd.DataFrame
    cases: pd.DataFrame
    masks: Sequence[pd.DataFrame]
    methods: Methods
    failed_below: float
    no_followup: str
    effort: Mapping[str, Any]


def tables(sources: Sources) -> dict[str, pd.DataFrame]:
    """``table1`` and ``extended``, unrounded."""
    failed = failed_folds(sources.verdicts)
    return {
        "table1": table1(sources.scores, sources.methods, failed),
        "extended": extended.extended_table(sources.scores, sources.methods, failed),
    }


def texts(sources: Sources, made: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """What people read of the :func:`tables` that were ``made``, by the name of the file."""
    methods = sources.methods
    spread = extended.spread(sources.of_all_seeds, methods, Resampling(**sources.effort))
    notes = _notes(sources)
    more = [absence_note(sources.no_followup)] if sources.no_followup else []
    return {
        "table1.md": to_markdown(made["table1"], methods, notes),
        "table1.html": to_html(made["table1"], methods, notes),
        "table1.tex": to_latex(made["table1"], methods, notes),
        "extended.md": extended.to_markdown(made["extended"], methods, spread, notes + more),
        "extended.html": extended.to_html(made["extended"], methods, spread, notes + more),
    }


def _notes(sources: Sources) -> list[str]:
    notes = failed_notes(sources.verdicts, sources.methods, sources.failed_below)
    notes += coverage_notes(sources.scores, sources.methods)
    notes += left_out_notes(sources.cases) + size_notes(sources.cases)
    for masks in sources.masks:
        notes += mask_notes(masks, sources.methods)
    return notes
