"""A trace as text: a tree of stages for people, and JSON for machines."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from upwind.audit.provenance_graph import written
from upwind.audit.trace.cells import Cell
from upwind.audit.trace.labels import (
    CODE,
    SHOWN_DIGITS,
    below,
    facts,
    folded,
    short,
    stage_name,
)
from upwind.audit.trace.stages import Stage, stages
from upwind.audit.trace.walk import Trace
from upwind.common.wording import count_of, printable
from upwind.provenance.hashing import FileState
from upwind.provenance.records import Record

_MANY_FILES, _MANY_ENDS = 3, 60
# Said once at the top where it is the same for all stages.
_SHARED = ("commit", "on", "threads")
_LONG = ("packages",)


def view(trace: Trace, full: bool = False) -> Group:
    """A tree from the number or file down, for rich to print. ``full`` shows each file, module and
    package instead of what they have in common."""
    tree = Tree(_title(trace), guide_style="dim")
    branches = _Branches(trace, full)
    for key, value in branches.shared.items():
        tree.add(_line(key, value))
    if trace.cell is not None:
        tree.add(_scores(trace.cell))
    branches.add(tree)
    parts: list[Any] = [tree, "", *_ends(trace, full)]
    parts += ["", *(Text.assemble(("broken: ", "red"), printable(p)) for p in trace.problems)]
    return Group(*(parts if trace.problems else parts[:-1]))


def to_dict(trace: Trace) -> dict[str, Any]:
    """A trace as plain values for JSON; jobs from the number down, with everything recorded."""
    return {
        "file": trace.path,
        "cell": None if trace.cell is None else _cell_to_dict(trace.cell),
        "complete": not trace.problems,
        "problems": list(trace.problems),
        "jobs": [_job_to_dict(trace, job) for job in trace.sources],
        "ends": {path: state.sha256 for path, state in trace.ends.items()},
    }


class _Branches:
    """Adds stages to a tree, each once: later it is only named."""

    def __init__(self, trace: Trace, full: bool) -> None:
        self.trace, self.full = trace, full
        self.stages = stages(trace)
        self.shown: set[int] = set()
        every = [facts(self._records(stage)) for stage in self.stages]
        self.shared = {
            key: every[0][key]
            for key in _SHARED
            if len({found.get(key) for found in every}) == 1 and key in every[0]
        }

    def add(self, tree: Tree, number: int = 0) -> None:
        """Add a stage and those that it reads from."""
        stage = self.stages[number]
        title = Text(stage_name(stage, self._records(stage)), style="bold")
        if number in self.shown:
            tree.add(Text.assemble(title, (" (above)", "dim")))
            return
        self.shown.add(number)
        branch = tree.add(Group(title, *self._lines(stage)))
        for source in stage.sources:
            self.add(branch, source)

    def _records(self, stage: Stage) -> list[Record]:
        return [self.trace.record(job) for job in stage.jobs]

    def _lines(self, stage: Stage) -> Iterator[Text]:
        records, home = self._records(stage), self.trace.run.home
        for key, value in facts(records).items():
            if key not in self.shared and (self.full or key not in _LONG):
                yield _line(key, value)
        if self.full:
            for module, digest in records[0].code.items():
                yield _line("module", f"{module} {short(digest)}")
        wrote = {path: state for record in records for path, state in written(record).items()}
        if not self.full:  # of what the jobs wrote, that which leads to the number
            led = {path for inputs in self.trace.sources.values() for path in inputs}
            wrote = {p: s for p, s in wrote.items() if p in led or p == self.trace.path}
        yield from _file_lines("wrote", wrote, home, self.full)
        read = self._inputs(stage, self.trace.sources)
        yield from _file_lines("read", read, home, self.full)
        aside = self._inputs(stage, self.trace.set_aside)
        if aside:
            names = ", ".join(pattern for pattern, _ in folded(below(p, home) for p in aside))
            yield _line("read too, not behind this number:", names)

    def _inputs(self, stage: Stage, chosen: Mapping[str, Iterable[str]]) -> dict[str, FileState]:
        return {
            path: self.trace.record(job).inputs[path] for job in stage.jobs for path in chosen[job]
        }


def _title(trace: Trace) -> Text:
    path = (printable(trace.path), "bold")
    if trace.cell is None:
        return Text.assemble(path)
    return Text.assemble(path, f": {trace.cell.name} = ", (trace.cell.value, "bold"))


def _scores(cell: Cell) -> Text:
    """The scores behind a cell, a line a fold."""
    first = cell.scores[0]
    lines = [f"mean DSC of {first.method} over {first.subset} cases (rows of scores.csv):"]
    for fold, scores in itertools.groupby(cell.scores, key=lambda score: score.fold):
        values = ", ".join(f"case {s.case} {_dsc(s.dsc)}" for s in scores)
        lines.append(f"fold {fold}: {values}")
    return Text("\n".join(lines))


def _dsc(value: str) -> str:
    return f"{float(value):.4f}" if value else "undefined"


def _file_lines(key: str, files: Mapping[str, FileState], home: str, full: bool) -> Iterator[Text]:
    names = {below(path, home): state for path, state in files.items()}
    few = full or len(names) <= _MANY_FILES
    for pattern, paths in [(name, [name]) for name in names] if few else folded(names):
        if len(paths) == 1:
            yield _line(key, f"{pattern} {short(names[pattern].sha256)}")
        else:
            yield _line(key, f"{pattern} ({count_of(len(paths), 'file')})")


def _ends(trace: Trace, full: bool) -> Iterator[Text]:
    """The files that the chain ends in, with hashes: all digits where ``full``."""
    ends = trace.ends
    yield Text(f"down to {count_of(len(ends), 'file')}, SHA-256 as read:", style="bold")
    shown = list(ends) if full else list(ends)[:_MANY_ENDS]
    for path in shown:
        yield Text(f"  {ends[path].sha256[: None if full else SHOWN_DIGITS]}  {path}")
    if len(shown) < len(ends):
        yield Text(f"  and {len(ends) - len(shown)} more, which --full lists")


def _line(key: str, value: str) -> Text:
    return Text.assemble((f"{key} ", "dim"), printable(value))


def _cell_to_dict(cell: Cell) -> dict[str, Any]:
    scores = [vars(score) for score in cell.scores]
    return {"column": cell.column, "row": cell.row, "value": cell.value, "scores": scores}


def _job_to_dict(trace: Trace, job: str) -> dict[str, Any]:
    record = trace.record(job)
    sources = trace.sources[job]
    kept: tuple[str, ...] = (
        "rule",
        "wildcards",
        "packages",
        "git",
        "machine",
        "accelerators",
        "scheduler_job",
    )
    kept += ("threads", "started", "ended", "seconds", "status")
    return {
        "record": job,
        "read": {
            path: {"sha256": state.sha256, "bytes": state.bytes, "made_by": sources.get(path)}
            | {"behind": path in sources}
            for path, state in record.inputs.items()
        },
        "wrote": {
            path: {"sha256": state.sha256, "bytes": state.bytes}
            for path, state in written(record).items()
        },
        "parameters": {key: value for key, value in record.params.items() if key != CODE},
        "code": record.params.get(CODE),
        "modules": record.code,
    } | {name: getattr(record, name) for name in kept}
