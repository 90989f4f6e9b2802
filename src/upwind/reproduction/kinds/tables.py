"""CSV files, cell by cell."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from upwind.reproduction.difference import Difference, Part, counted
from upwind.reproduction.set_apart import COLUMNS

Key = tuple[str, ...]


@dataclass(frozen=True)
class CSVTable:
    """Names of columns, and rows as texts, each as long as the columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def keyed(self, width: int) -> dict[Key, dict[str, str]]:
        """Cells by column and, of each row, by its first ``width`` cells; by its number if 0."""
        return {
            row[:width] or (f"row {number}",): dict(zip(self.columns, row, strict=True))
            for number, row in enumerate(self.rows, 1)
        }


def compare_tables(first: Path, second: Path) -> Difference:
    """Cells that differ, by column and by what tells the row. Raises ValueError or OSError for a
    file that is no table."""
    one, other = read_table(first), read_table(second)
    width = key_width(one, other)
    rows, others = one.keyed(width), other.keyed(width)
    columns = list(dict.fromkeys([*one.columns, *other.columns]))
    apart = [column for column in columns if column in COLUMNS]
    by_column: dict[str, list[Part]] = {column: [] for column in columns}
    for key in dict.fromkeys([*rows, *others]):
        for part, column in _cells(key, columns[width:], rows.get(key), others.get(key)):
            by_column[column].append(part)
    expected = [column for column in apart if by_column.pop(column, None)]
    parts = [part for column in by_column.values() for part in column]
    total = len(rows.keys() | others.keys()) * len(set(columns[width:]) - {*apart})
    if not parts and not expected:
        # The same cells, in other words: the order of rows or columns, or how lines end.
        parts.append(Part("order of rows or columns", None, None))
    # Columns have units of their own: the first that differs is spoken of.
    spoken_of = next((column for column in by_column.values() if column), [])
    return Difference(counted(parts, total, "cells", spoken_of), parts, total, sorted(expected))


def read_table(path: Path) -> CSVTable:
    """A file of comma-separated values with a head. Raises ValueError for another."""
    with path.open(encoding="utf-8", newline="") as file:
        try:
            head, *rows = [tuple(row) for row in csv.reader(file) if row]
        except csv.Error as error:
            raise ValueError(str(error)) from error
    if len(set(head)) < len(head) or any(len(row) != len(head) for row in rows):
        raise ValueError("it is no table: its rows are not as long as its head")
    return CSVTable(head, tuple(rows))


def key_width(one: CSVTable, other: CSVTable) -> int:
    """How many of the first columns tell each row of both tables from the others.

    Tables here begin with what a row is about: method, fold, case. A column of measured numbers is
    not that. 0 where no columns tell the rows apart, which are then compared in their order.
    """
    for width in range(1, min(len(one.columns), len(other.columns)) + 1):
        column = one.columns[width - 1]
        if column != other.columns[width - 1] or column in COLUMNS:
            return 0
        tables = (one, other)
        if any(_is_measured(row[width - 1]) for table in tables for row in table.rows):
            return 0
        if all(len({row[:width] for row in table.rows}) == len(table.rows) for table in tables):
            return width
    return 0


def number(text: str) -> float | None:
    """The number that a cell is, if it is one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _is_measured(text: str) -> bool:
    return number(text) is not None and not text.lstrip("-").isdigit()


def _cells(
    key: Key,
    columns: Sequence[str],
    row: Mapping[str, str] | None,
    other: Mapping[str, str] | None,
) -> Iterator[tuple[Part, str]]:
    """Differing cells of a row, with their columns."""
    about = ", ".join(key)
    for column in columns:
        here = None if row is None else row.get(column)
        there = None if other is None else other.get(column)
        if here != there:
            yield Part(f"{column} of {about}", here, there, distance(here, there)), column


def distance(one: str | None, other: str | None) -> float | None:
    """Of two cells that are numbers."""
    here, there = number(one or ""), number(other or "")
    return None if here is None or there is None else abs(there - here)
