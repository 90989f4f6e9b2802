"""Cells of Table I, and the rows of scores.csv that each is the mean of."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.methods import read_methods, table1_columns

TABLE, SCORES, VERDICTS = "table1.csv", "scores.csv", "verdicts.csv"
METHODS = "methods.json"
_KEYS = ("method", "fold", "case", "subset", "dsc")
_WITHOUT = "avg_without_"


@dataclass(frozen=True)
class Score:
    """A row of scores.csv, as the file has it; ``dsc`` is empty where it is undefined."""

    method: str
    fold: str
    case: str
    subset: str
    dsc: str


@dataclass(frozen=True)
class Cell:
    """A number of Table I as the file has it, and the scores that it is the mean of (for averages:
    over folds of the means over cases)."""

    column: str
    row: str
    value: str
    scores: tuple[Score, ...]

    @property
    def name(self) -> str:
        """Column and row, for people."""
        return f"{self.column}, {'fold ' if self.row.isdigit() else ''}{self.row}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the files from which the value is computed. Which folds failed counts only in
        the row that leaves them out."""
        return (SCORES, VERDICTS) if self.row.startswith(_WITHOUT) else (SCORES,)


def read_cell(folder: Path, name: str) -> Cell:
    """The cell ``COLUMN,ROW`` of Table I in ``folder``; the column by its key or its heading, the
    row also as ``fold 2``. Raises UpwindError, with the cells that there are, for another."""
    rows = {row.pop("fold"): row for row in _rows(folder / TABLE)}
    known = table1_columns(read_methods(folder / METHODS))
    columns = [column for column in known if all(column in row for row in rows.values())]
    headings = {column: known[column][1].heading for column in columns}
    column, _, row = name.rpartition(",")
    column, row = _named(column, headings), _words(row).removeprefix("fold ")
    if column not in columns or row not in rows:
        raise UpwindError(
            f"{folder / TABLE} has no cell {name!r}: give COLUMN,ROW with a column of "
            f"{', '.join(_told(headings))} and a row of {', '.join(rows)}, for example "
            f"{columns[0]},avg"
        )
    method, subset = known[column][0].key, known[column][1].subset
    folds = _folds(row, list(rows))
    scores = [
        score
        for score in read_scores(folder / SCORES)
        if score.method == method and score.subset == subset and score.fold in folds
    ]
    if not scores or not _is_number(rows[row][column]):
        raise UpwindError(
            f"{folder / TABLE}: its cell {column},{row} is {rows[row][column]!r}, the mean of "
            f"{len(scores)} scores; run upwind audit"
        )
    return Cell(column, row, rows[row][column], tuple(scores))


def _named(column: str, headings: Mapping[str, str]) -> str:
    """The key of a column that is given by its key or its heading, in letters of any case."""
    found = [key for key, title in headings.items() if _words(title) == _words(column)]
    return found[0] if len(found) == 1 and column.strip() not in headings else column.strip()


def _words(text: str) -> str:
    return " ".join(text.split()).casefold()


def _told(headings: Mapping[str, str]) -> list[str]:
    return [key if _words(title) == key else f"{key} ({title})" for key, title in headings.items()]


def read_scores(path: Path) -> list[Score]:
    """The rows of a file of scores."""
    rows = _rows(path, _KEYS)
    for row in rows:
        if row["dsc"] and not _is_number(row["dsc"]):
            raise UpwindError(f"{path}: a DSC of it is {row['dsc']!r}, no number; run upwind audit")
    return [Score(**{key: row[key] for key in _KEYS}) for row in rows]


def holders(scores: Iterable[Score], paths: Iterable[Path]) -> list[Path]:
    """Those of the files of scores that hold any of the given ones; empty unless each score is in
    one of them."""
    wanted = set(map(_comparable, scores))
    found = {path: wanted & set(map(_comparable, read_scores(path))) for path in paths}
    if set().union(*found.values()) != wanted:
        return []
    return [path for path, held in found.items() if held]


def _folds(row: str, rows: Sequence[str]) -> list[str]:
    """Folds that a row of the table is about."""
    if row.isdigit():
        return [row]
    left_out = row.removeprefix(_WITHOUT).split("_") if row.startswith(_WITHOUT) else []
    return [fold for fold in rows if fold.isdigit() and fold not in left_out]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _comparable(score: Score) -> tuple[str, str, str, str, float | None]:
    dsc = float(score.dsc) if score.dsc else None
    return score.method, score.fold, score.case, score.subset, dsc


def _rows(path: Path, needed: Sequence[str] = ("fold",)) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UpwindError(f"{path} cannot be read: {error}") from error
    if not rows or not all(row.get(key) is not None for row in rows for key in needed):
        raise UpwindError(f"{path} is no table with columns {', '.join(needed)}; run upwind audit")
    return rows
