"""A comparison as people read it, and as JSON.

The JSON object has these fields:

- ``schema``: 1, raised when a field changes its meaning or goes
- ``verdict``: ``identical``, ``the same within the spread`` or ``different``; the exit code is 0
  for the first two, 1 for the last
- ``first``, ``second``: the runs as they were named, each with ``path``, ``config`` and ``damaged``
  (records that are not intact, with the reason)
- ``between``: by factor (:class:`upwind.reproduction.factors.Factor`), how the runs differ, each
  with the number of jobs concerned (0 for settings and data, which are the run's)
- ``table1``: each cell with ``column``, ``row``, ``first``, ``second`` (as the files have them),
  ``size`` (of the difference), ``spread`` (range over seeds, null where it is not known) and
  ``seeds``
- ``files``: each result with ``path``, ``outcome``
  (:class:`upwind.reproduction.difference.Outcome`), ``summary``, ``parts`` (each with ``name``,
  ``first``, ``second``, ``size``) and ``causes``, the nearest first (each with ``factor``, ``what``
  and ``jobs``)
- ``set_apart``: what is expected to differ, with the reason
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from upwind.common.wording import count_of, first_few
from upwind.reproduction.causes import Cause
from upwind.reproduction.comparison import Comparison, Verdict
from upwind.reproduction.difference import FileComparison, Outcome, Part
from upwind.reproduction.factors import Factor
from upwind.reproduction.reading import OpenRun
from upwind.reproduction.set_apart import REASONS
from upwind.reproduction.table1 import CellComparison

SCHEMA = 1
_SHOWN = 6  # lines of a factor
_OF_A_FOLDER = 3  # files of a group
_STYLES = {Verdict.identical: "green", Verdict.within: "green", Verdict.different: "red"}
# Factors that are named also where they are the same.
_ALWAYS = (
    Factor.settings, Factor.seeds, Factor.data, Factor.code, Factor.packages, Factor.processor,
    Factor.threads,
)  # fmt: skip


def to_json(comparison: Comparison) -> str:
    """The comparison as JSON; this module's docstring says what the fields are."""
    content = {
        "schema": SCHEMA,
        "verdict": comparison.verdict,
        "first": _side(comparison.first),
        "second": _side(comparison.second),
        "between": comparison.between,
        "table1": [cell_json(cell) for cell in comparison.cells],
        "files": [_file(file, comparison.causes) for file in comparison.files],
        "set_apart": REASONS,
    }
    return json.dumps(content, indent=2)


def _side(side: OpenRun) -> dict[str, Any]:
    return {"path": side.title, "config": side.run.config, "damaged": dict(side.run.damaged)}


def cell_json(cell: CellComparison) -> dict[str, Any]:
    """A cell of Table I, for JSON."""
    spread = cell.spread
    return {
        "column": cell.column,
        "row": cell.row,
        "first": cell.first,
        "second": cell.second,
        "size": cell.size,
        "spread": spread.size if spread else None,
        "seeds": spread.seeds if spread else [],
    }


def _file(file: FileComparison, causes: Mapping[str, Sequence[Cause]]) -> dict[str, Any]:
    found = file.difference
    return {
        "path": file.path,
        "outcome": file.outcome,
        "summary": found.summary if found else "",
        "parts": [asdict(part) for part in found.parts] if found else [],
        "causes": [asdict(cause) for cause in causes.get(file.path, ())],
    }


def view(comparison: Comparison, full: bool = False) -> RenderableType:
    """The verdict, how the runs differ, Table I, and results that differ with their causes, for a
    rich console: some of each folder, or with ``full`` each, and each part of it."""
    parts: list[RenderableType] = [verdict_text(comparison), Text(), _sides(comparison)]
    parts += [Text(), _headed("Between the runs", _factors(comparison.between))]
    if comparison.differing_cells:
        parts += [Text(), _headed("Table I", cell_table(comparison.differing_cells))]
    if comparison.unlike:
        title = (
            "Results that differ, in the order of their making, and why: the nearest cause first"
        )
        parts += [Text(), Text(title, style="bold")]
        parts += [Padding(group, (0, 0, 0, 2), expand=False) for group in _groups(comparison, full)]
    return Group(*parts, Text(), _apart(comparison))


def _headed(title: str, part: RenderableType) -> Group:
    return Group(Text(title, style="bold"), Padding(part, (0, 0, 0, 2), expand=False))


def verdict_text(comparison: Comparison) -> Text:
    """The verdict in a line: of the files, and of Table I."""
    verdict, unlike = comparison.verdict, comparison.unlike
    said = [count_of(len(comparison.files), "result")]
    if unlike:
        said = [f"{len(unlike):,} of {said[0]} differ", _table_sentence(comparison)]
    text = f"{verdict[0].upper()}{verdict[1:]}: {'; '.join(said)}."
    return Text(shown(text), style=f"bold {_STYLES[verdict]}")


def _table_sentence(comparison: Comparison) -> str:
    cells, differing = comparison.cells, comparison.differing_cells
    if not cells:
        return "neither has a Table I"
    if not differing:
        return "Table I is the same to the last digit"
    far = max(differing, key=lambda cell: cell.size or 0.0)
    size = "" if far.size is None else f", by {far.size:.4f} at most ({far.name})"
    outside = sum(not cell.within for cell in differing)
    known = f"{outside} of them by more than the spread over seeds"
    if not comparison.spread_is_known:
        known = "the spread over seeds is not known"
    return f"{len(differing)} of {len(cells)} cells of Table I differ{size}, {known}"


def cell_table(
    cells: Sequence[CellComparison], first: str = "first", second: str = "second"
) -> Table:
    """Cells of Table I in two runs, with their difference and the spread over seeds."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 2, 0, 0))
    for name in ("cell", first, second, "difference", "spread over seeds"):
        table.add_column(name, justify="left" if name == "cell" else "right")
    for cell in cells:
        spread = cell.spread
        known = "not known" if spread is None else f"{spread.size:.4f} ({_seeds(spread.seeds)})"
        signed = "" if cell.size is None else f"{float(cell.second) - float(cell.first):+.4g}"
        style = "" if cell.within else "red"
        row = (cell.name, _digits(cell.first), _digits(cell.second), signed, known)
        table.add_row(*map(shown, row), style=style)
    return table


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _digits(cell: str) -> str:
    """Six digits, as far as a difference shows in them to a reader; the JSON has all."""
    try:
        return f"{float(cell):.6f}"
    except ValueError:
        return cell or "none"


def _sides(comparison: Comparison) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for title, side in (("first", comparison.first), ("second", comparison.second)):
        damaged = len(side.run.damaged)
        warned = f"; {count_of(damaged, 'record')} not intact: upwind audit says more"
        records = count_of(len(side.run.records), "record")
        table.add_row(title, shown(f"{side.title} ({records}{warned if damaged else ''})"))
    return table


def _factors(between: Mapping[Factor, Mapping[str, int]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for factor in Factor:
        found = between.get(factor, {})
        if found:
            lines = [f"{what}{_jobs(jobs)}" for what, jobs in list(found.items())[:_SHOWN]]
            more = len(found) - len(lines)
            lines += [f"and {more} more, which --json lists"] if more else []
            table.add_row(factor, Text(shown("\n".join(lines)), style="yellow"))
        elif factor in _ALWAYS:
            table.add_row(factor, "same")
    return table


def _jobs(count: int) -> str:
    return f" ({count_of(count, 'job')})" if count else ""


def _groups(comparison: Comparison, full: bool) -> Iterator[RenderableType]:
    """Results with the same causes together, whichever the jobs."""
    groups: dict[tuple[tuple[Factor, str], ...], list[FileComparison]] = defaultdict(list)
    for file in comparison.unlike:
        causes = comparison.causes[file.path]
        groups[tuple((cause.factor, cause.what) for cause in causes)].append(file)
    for key, files in groups.items():
        listed = files if full else list(_some_of_each_folder(files))
        for file in listed:
            yield Text.assemble((shown(file.path), "bold"), f": {shown(_said(file))}")
            for part in file.difference.parts if full and file.difference else ():
                yield Padding(Text(shown(_part(part)), style="dim"), (0, 0, 0, 2), expand=False)
        if len(files) > len(listed):
            yield Text(f"and {len(files) - len(listed)} more, which --full lists")
        jobs = {
            cause: dict.fromkeys(job for file in files for job in _jobs_of(comparison, file, cause))
            for cause in key
        }
        yield Padding(_causes(jobs), (0, 0, 1, 2), expand=False)


def _some_of_each_folder(files: Sequence[FileComparison]) -> Iterator[FileComparison]:
    counts: Counter[str] = Counter()
    for file in files:
        folder = file.path.rpartition("/")[0].partition("/")[0]
        counts[folder] += 1
        if counts[folder] <= _OF_A_FOLDER:
            yield file


def _jobs_of(
    comparison: Comparison, file: FileComparison, cause: tuple[Factor, str]
) -> Sequence[str]:
    causes = comparison.causes[file.path]
    return next(found.jobs for found in causes if (found.factor, found.what) == cause)


def _said(file: FileComparison) -> str:
    return file.difference.summary if file.difference else file.outcome


def _part(part: Part) -> str:
    here, there = ("none" if value is None else value for value in (part.first, part.second))
    values = "" if part.first is part.second is None else f"{here} → {there}"
    size = "" if part.size is None else f"by {part.size:.3g}"
    return f"{part.name}: {', '.join(filter(None, (values, size)))}"


def _causes(causes: Mapping[tuple[Factor, str], Collection[str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    factors = list(dict.fromkeys(factor for factor, _ in causes))
    for factor in factors:
        lines = [
            f"{what} ({first_few([*jobs], 1)})" for (f, what), jobs in causes.items() if f is factor
        ]
        more = len(lines) - _SHOWN
        lines = lines[:_SHOWN] + ([f"and {more} more, which --json lists"] if more > 0 else [])
        table.add_row(factor, Text(shown("\n".join(lines)), style="yellow"))
    same = [factor for factor in _ALWAYS if factor not in factors]
    if same:
        table.add_row("same", ", ".join(same))
    return table


def _apart(comparison: Comparison) -> Text:
    apart = [file for file in comparison.files if file.outcome is Outcome.apart]
    columns = sorted({name for f in apart if f.difference for name in f.difference.apart})
    said = "Set apart, as expected to differ: records, logs and report.html"
    said += f"; {', '.join(columns)}" if columns else ""
    if apart:
        said += f"; in all {count_of(len(apart), 'result')} that differ in nothing else: "
        said += first_few([file.path for file in apart], _SHOWN)
    return Text(shown(f"{said}."), style="dim")


def shown(text: str) -> str:
    """Text from a run whose characters do not move a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
