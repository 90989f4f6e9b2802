"""Groups of a table's rows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def groups(
    table: "pd.DataFrame", by: str | list[str], sort: bool = True
) -> Iterator[tuple[Any, "pd.DataFrame"]]:
    """Value (a tuple for several columns) and rows of each group, in the values' order or, without
    ``sort``, in that of their first rows.

    The caller knows what a column holds; pandas' types say only that a value is some scalar.
    """
    yield from table.groupby(by, sort=sort)


def rows(table: "pd.DataFrame") -> Iterator[Any]:
    """Each row as a named tuple, with its index; of its values the same holds as of groups'."""
    yield from table.itertuples()
