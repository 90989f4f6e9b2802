"""Each method in a line: its mean scores with their intervals, and its failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from upwind.common import frames
from upwind.common.intervals import Resampling
from upwind.scores.measures import DISTANCES, NSD
from upwind.tables.comparison import OR_DIAGONAL, compare
from upwind.tables.ranks import rank

COLUMNS = (
    "method", "measure", "patients", "missing", "empty", "mean", "low", "high", "over",
)  # fmt: skip
_TITLES = {
    "dsc": "DSC",
    "hd95_mm": "HD95, mm",
    "hd95_max_mm": "larger HD95, mm",
    "assd_mm": "ASSD, mm",
}


@dataclass(frozen=True)
class Tables:
    """All that one table of scores (of one subset) gives; ``ranks`` is empty for one method."""

    scores: pd.DataFrame
    summary: pd.DataFrame
    comparison: pd.DataFrame
    ranks: pd.DataFrame
    methods: Sequence[str]

    @property
    def ranks_by_dsc(self) -> pd.DataFrame:
        """The ranks that are shown first."""
        return self.ranks[self.ranks["measure"] == "dsc"]


def tables_of(scores: pd.DataFrame, missing: Mapping[str, int], settings: Resampling) -> Tables:
    """The tables of ``scores``, methods in the order of their rank by DSC, or as they come;
    ``missing`` as in :func:`summarise`."""
    comparison = compare(scores, settings.resamples, settings.confidence, settings.seed)
    ranks = rank(scores, settings)
    ranked = ranks.loc[ranks["measure"] == "dsc", "method"].tolist()
    come = scores["method"].unique().tolist()
    methods = [*ranked, *(method for method in come if method not in ranked)]
    return Tables(scores, summarise(comparison, missing), comparison, ranks, methods)


def summarise(comparison: pd.DataFrame, missing: Mapping[str, int]) -> pd.DataFrame:
    """Rows of single methods of :func:`upwind.tables.comparison.compare`, of one subset, with how
    many cases each method has no usable mask of (``missing``); ``COLUMNS``."""
    single = comparison[comparison["other"] == ""]
    counted = single.assign(missing=single["method"].map(missing))
    return counted[list(COLUMNS)].reset_index(drop=True)


def measure_title(measure: str) -> str:
    """A measure for people: ``NSD at 5 mm``."""
    plain = measure.removesuffix(OR_DIAGONAL)
    if plain.startswith(NSD):
        return f"NSD at {plain.removeprefix(NSD).removesuffix('mm')} mm"
    return _TITLES[plain]


def shown_measures(summary: pd.DataFrame) -> list[str]:
    """The measures that people see first: DSC, HD95 and NSD at the last tolerance. Of HD95 with
    empty masks that in which the diagonal stands for them, which is over the same patients."""
    there = set(summary["measure"])
    nsd = [measure for measure in summary["measure"] if measure.startswith(NSD)]
    filled = "hd95_mm" + OR_DIAGONAL
    first = ["dsc", filled if filled in there else "hd95_mm", *nsd[-1:]]
    return [measure for measure in first if measure in there]


def view(tables: Tables) -> Table:
    """The summary as a table for a terminal, with each method's rank by DSC, and how often it comes
    again when other patients are drawn."""
    summary, ranks = tables.summary, tables.ranks_by_dsc
    measures = shown_measures(summary)
    caption = _caption(summary, measures)
    table = Table(box=SIMPLE_HEAD, header_style="bold", caption=caption, caption_justify="left")
    table.add_column("Method", overflow="fold")
    titles = [measure_title(measure) for measure in measures]
    ranked = ["Rank by DSC"] if len(ranks) else []
    for heading in ["Cases", *titles, *ranked]:
        table.add_column(heading, justify="right", no_wrap=heading in titles)
    cells = {(row.method, row.measure): row for row in frames.rows(summary)}
    places = {row.method: row for row in frames.rows(ranks)}
    for method in tables.methods:
        first = cells[method, measures[0]]
        failures = (f"{first.missing} missing", f"{first.empty} empty")
        counted = [str(first.patients), *(text for text in failures if text[0] != "0")]
        line = [method, "\n".join(counted)]
        line += [_cell(cells.get((method, measure))) for measure in measures]
        if method in places:
            row = places[method]
            again = getattr(row, f"rank_{row.rank}")
            line.append(f"{row.rank}\nin {again:.0%}")
        table.add_row(*line)
    return table


def _cell(row: object) -> str:
    if row is None:
        return "-"
    mean, low, high, measure = (getattr(row, name) for name in ("mean", "low", "high", "measure"))
    digits = 1 if measure.startswith(DISTANCES) else 3
    shown = f"{mean:.{digits}f}"
    return shown if pd.isna(low) else f"{shown}\n{low:.{digits}f}-{high:.{digits}f}"


def _caption(summary: pd.DataFrame, measures: Sequence[str]) -> str:
    shown = summary[summary["measure"].isin(measures)]
    over = ", ".join(dict.fromkeys(over for over in shown["over"] if over))
    said = [f"Means, and below them their intervals ({over})."] if over else ["Means."]
    if any(measure.endswith(OR_DIAGONAL) for measure in measures):
        said.append("In HD95 the volume's diagonal stands for an empty mask.")
    return " ".join(said)
