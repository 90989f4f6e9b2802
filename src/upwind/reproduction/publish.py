"""Publish a finished demo: keep what it came to, and write README's Table I from that.

``python -m upwind.reproduction.publish results/demo [results/SEED ...]`` in the repository does
both, with the spread over the seeds of all these runs: finished ones, configured alike but for
their seeds. Without a run it writes README anew from what is kept.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from upwind.common.errors import UpwindError
from upwind.common.files import write_text
from upwind.methods import table1_columns
from upwind.methods.configured import methods_of
from upwind.reproduction.factors import Factor, arrow, kind_of_setting
from upwind.reproduction.kinds.documents import differing
from upwind.reproduction.published import (
    FILE,
    Published,
    publication,
    read_published,
    write_published,
)
from upwind.reproduction.reading import OpenRun, opened
from upwind.reproduction.set_apart import SETTINGS
from upwind.reproduction.table1 import Place, read_cells, spread_of, tables_by_seed
from upwind.tables.table1 import markdown_rows

README = "README.md"
_MARKED = re.compile(r"(<!-- table1: demo -->\n).*?(<!-- end -->)", re.DOTALL)


def publish(folder: Path, others: Sequence[Path], file: Path = FILE) -> Published:
    """Keep what the run in ``folder`` came to, with the spread over its seeds and those of
    ``others``. Raises UpwindError for runs that are not finished, or that differ in more than
    seeds."""
    with opened(folder) as side:
        by_seed = dict(_tables(side))
        for path in others:
            with opened(path) as other:
                _check_alike(side, other)
                by_seed |= _tables(other)
        published = publication(side, spread_of(by_seed))
    write_published(published, file)
    return published


def _tables(side: OpenRun) -> Mapping[int, Mapping[Place, float]]:
    """Table I of each seed of a run."""
    try:
        several = tables_by_seed(side.run.folder)
        cells = {place: float(cell) for place, cell in read_cells(side.run.folder).items()}
    except (OSError, ValueError, LookupError) as error:
        raise UpwindError(f"{side.title} cannot be published: {error}") from error
    return several or {seed_of(side.run.config): cells}


def _check_alike(side: OpenRun, other: OpenRun) -> None:
    parts = differing(side.run.config, other.run.config)
    wrong = [
        f"{part.name} {arrow(part)}"
        for part in parts
        if part.name not in SETTINGS and kind_of_setting(part.name) is not Factor.seeds
    ]
    if wrong:
        raise UpwindError(
            f"{other.title} is not {side.title} with other seeds: {', '.join(wrong)}; "
            "the spread over seeds needs runs that are configured alike"
        )


def seed_of(config: Mapping[str, Any]) -> int:
    """The seed of a run's Table I, however many others its networks were trained from."""
    return int(config.get("seed", 0))


def with_table1(text: str, published: Published) -> str:
    """The text with the published demo's Table I between its marks, ``<!-- table1: demo -->`` and
    ``<!-- end -->``, written anew."""
    return _MARKED.sub(lambda found: f"{found[1]}{table1_text(published)}{found[2]}", text)


def table1_text(published: Published) -> str:
    """Table I in Markdown, the paper's figures beside, and what it was made with."""
    rows = [
        {"fold": row} | {column: float(cell) for column, cell in cells.items()}
        for row, cells in published.table1.items()
    ]
    table = markdown_rows(pd.DataFrame(rows), methods_of(published.config))
    return f"{table}\n{made_with(published)}\n"


def made_with(published: Published) -> str:
    """Seed and machine of the published Table I, and its spread over seeds, in sentences."""
    processors = sorted({str(machine.get("processor")) for machine in published.machines})
    text = f"Seed {seed_of(published.config)}, on {_and(processors)}"
    if all(machine.get("held") for machine in published.machines):
        text += ", held to [the same bits on every processor](docs/same_bits.md)"
    text += f", torch {published.packages['torch']}." if "torch" in published.packages else "."
    if published.spreads:
        place, spread = max(published.spreads.items(), key=lambda item: item[1].size)
        text += f" Over seeds {_and(spread.seeds)} a cell moves by {spread.size:.3f} at most"
        text += f" ({_heading(published, *place)})."
    return text


def _heading(published: Published, column: str, row: str) -> str:
    known = table1_columns(methods_of(published.config))
    name = known[column][1].heading if column in known else column
    return f"{name}, {'fold ' if row.isdigit() else ''}{row}"


def _and(names: Sequence[object]) -> str:
    *first, last = map(str, names)
    return f"{', '.join(first)} and {last}" if first else last


def write_readme(repository: Path, published: Published) -> None:
    """Write README's Table I anew. Raises UpwindError where its marks are not there."""
    text = (repository / README).read_text(encoding="utf-8")
    if not _MARKED.search(text):
        raise UpwindError(
            f"{README} has no place for the demo's Table I: put <!-- table1: demo --> and "
            "<!-- end --> around it, each on a line of its own"
        )
    write_text(repository / README, with_table1(text, published))


def main(*runs: str) -> None:
    """Publish the first of ``runs``, with the seeds of all; write README."""
    folders = [Path(run) for run in runs]
    published = publish(folders[0], folders[1:]) if folders else read_published()
    if published is None:
        raise UpwindError("nothing is published yet: name the results of a finished demo")
    write_readme(Path(), published)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except UpwindError as error:
        sys.exit(f"Error: {error}")
