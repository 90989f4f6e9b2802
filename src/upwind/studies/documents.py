"""Tables of measured results in the documents, written from the files in ``docs/measured``.

``docs/measured/NAME.csv`` is a study's table, or a part of it, below a first line ``# ...`` that
says on what machine, with which seeds and at which commit it was measured.
``python -m upwind.studies.documents`` in the repository writes it, in every page of ``docs``,
between ``<!-- study: NAME -->`` and ``<!-- end -->``.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from upwind.common.errors import UpwindError
from upwind.common.files import write_text

DOCS = Path("docs")
_MARKED = re.compile(r"(<!-- study: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_DIGITS = 3
# The bounds of an interval stand behind what they are of.
_BOUNDS = {"dsc": ("low", "high")}


def write_documents(docs: Path = DOCS) -> None:
    """Write the tables of all pages below ``docs`` anew. Raises UpwindError as :func:`measured`."""
    for page in sorted(docs.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        written = with_tables(text, docs)
        if written != text:
            write_text(page, written)


def with_tables(text: str, docs: Path) -> str:
    """A page's text with its tables from ``docs/measured``."""
    return _MARKED.sub(lambda found: f"{found[1]}{measured(docs, found[2])}\n{found[3]}", text)


def measured(docs: Path, name: str) -> str:
    """The table ``name`` in Markdown, and below it how it was measured. Raises UpwindError where it
    is not there, or does not say how."""
    path = docs / "measured" / f"{name}.csv"
    if not path.is_file():
        raise UpwindError(f"{path} is not there, which a page of {docs} has a table of")
    how, _, content = path.read_text(encoding="utf-8").partition("\n")
    if not how.startswith("# "):
        raise UpwindError(f"{path}: the first line has to say `# machine; seeds; commit`")
    table = pd.read_csv(io.StringIO(content), dtype={"patients": str, "seed": str})
    return "\n".join([*markdown(_with_whole_numbers(table)), "", how.removeprefix("# ")])


def _with_whole_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of whole numbers that cells are missing of are read as if they had digits behind the
    point."""
    gaps = [n for n in table if table[n].isna().any() and pd.api.types.is_float_dtype(table[n])]
    whole = [n for n in gaps if (table[n].dropna() % 1 == 0).all()]
    return table.astype(dict.fromkeys(whole, "Int64"))


def markdown(table: pd.DataFrame) -> Iterator[str]:
    """Lines of a table in Markdown: three digits, an interval, where there is one, in brackets
    behind its value, and no column that is empty."""
    table = table.dropna(axis="columns", how="all")
    columns = {name: _column(table, name) for name in table.columns if not _is_bound(table, name)}
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in columns]
    yield f"| {' | '.join(name.replace('_', ' ') for name in columns)} |"
    yield f"| {' | '.join('---:' if number else '---' for number in numeric)} |"
    for row in zip(*columns.values(), strict=True):
        yield f"| {' | '.join(row)} |"


def _column(table: pd.DataFrame, name: str) -> list[str]:
    bounds = _bounds_of(name)
    if not set(bounds) <= set(table.columns):
        return [_cell(value) for value in table[name]]
    return [
        f"{_cell(value)} ({_cell(low)} to {_cell(high)})" if pd.notna(low) else _cell(value)
        for value, low, high in zip(table[name], *(table[bound] for bound in bounds), strict=True)
    ]


def _bounds_of(name: str) -> tuple[str, str]:
    return _BOUNDS.get(name, (f"{name}_low", f"{name}_high"))


def _is_bound(table: pd.DataFrame, name: str) -> bool:
    return any(name in _bounds_of(other) for other in table.columns)


def _cell(value: object) -> str:
    if pd.isna(value):  # type: ignore[call-overload]  # any scalar
        return ""
    if isinstance(value, float):
        return f"{value:.{_DIGITS}f}"
    text = str(value)
    return text if "`" in text else text.replace("_", " ")


if __name__ == "__main__":
    write_documents()
