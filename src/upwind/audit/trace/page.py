"""A trace as one page that opens offline: the chain drawn in SVG, with details of each stage.

Boxes are links to their details, so that the page works with the keyboard and without scripts; the
script only adds arrow keys and marks the links of the chosen box.
"""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from upwind.audit.provenance_graph import written
from upwind.audit.trace.cells import Score
from upwind.audit.trace.labels import below, facts, stage_title, took
from upwind.audit.trace.layers import Layout, lay_out
from upwind.audit.trace.stages import Stage, stages, wildcards
from upwind.audit.trace.walk import Trace
from upwind.common.files import write_text
from upwind.common.pages import render
from upwind.common.wording import count_of
from upwind.provenance.hashing import FileState
from upwind.provenance.records import OK, Record

# Pixels. 204 holds the longest rule's name.
BOX, LANE, GAP, HEIGHT, STEP, MARGIN = 204, 8, 12, 60, 92, 8
# Boxes side by side: with their lanes, about what is left of a 1280 px screen.
MOST = 3
# A wide drawing is shrunk this far and then scrolled, so that it stays legible.
SHRINK = 0.68


@dataclass(frozen=True)
class _Hashes:
    """Files or modules with their hashes, under a title; ``opened`` shows them from the start."""

    title: str
    of: Sequence[tuple[str, str]]
    opened: bool


@dataclass(frozen=True)
class _Box:
    """What is drawn of a stage, of the number, or of the raw files: ``name`` and two lines below.
    ``kind`` is its CSS class. The others are its details: the scores that the number is the mean
    of, what the jobs have in common, the jobs where there are several, and files and modules."""

    name: str
    about: str
    note: str
    kind: str
    hashes: Sequence[_Hashes] = ()
    scores: Sequence[Score] = ()
    facts: Mapping[str, str] | None = None
    jobs: Sequence[Record] = ()

    @property
    def lines(self) -> list[str]:
        """What is written in the box."""
        return [text for text in (self.name, self.about, self.note) if text]


@dataclass(frozen=True)
class _Placed:
    """A box with its left upper corner in pixels, and the numbers of those below it."""

    box: _Box
    left: float
    top: float
    sources: Sequence[int]

    @property
    def lines(self) -> list[tuple[str, float]]:
        """What is written in the box, and the height of each line."""
        lines = self.box.lines
        first = self.top + HEIGHT / 2 - 8 * (len(lines) - 1) + 5
        return [(text, first + 16 * n) for n, text in enumerate(lines)]


def write_page(path: str | os.PathLike[str], trace: Trace) -> None:
    """Draw a trace into one HTML file, written atomically."""
    write_text(path, page(trace))


def page(trace: Trace) -> str:
    """The page: heading, drawing and details."""
    boxes, links = _boxes(trace)
    raw = [number for number, box in enumerate(boxes) if box.kind == "raw"]
    layout = lay_out(links, BOX, LANE, GAP, MOST, last=raw)
    heading, width = _number(trace), layout.width + 2 * MARGIN
    values = {
        "title": f"{trace.path}: {heading}" if trace.cell else trace.path,
        "heading": heading,
        "path": trace.path,
        "problems": trace.problems,
        "width": width,
        "height": (layout.layers - 1) * STEP + HEIGHT + 2 * MARGIN,
        "shrunk": SHRINK * width,
        "box": (BOX, HEIGHT),
        "lines": {edge: _path(points) for edge, points in layout.lines.items()},
        "placed": list(_placed(boxes, links, layout)),
    }
    return render("audit/trace/page.html", values)


def _boxes(trace: Trace) -> tuple[list[_Box], dict[int, list[int]]]:
    """Boxes, and the numbers of those below each: the number, the stages, the raw files."""
    found = stages(trace)
    boxes = [_start(trace), *(_stage(trace, stage) for stage in found)]
    links = {0: [1]} | {s.number + 1: [source + 1 for source in s.sources] for s in found}
    raw = {
        path: state
        for path, state in trace.ends.items()
        if any(path in inputs and inputs[path] is None for inputs in trace.sources.values())
    }
    if raw:
        for stage in found:
            if any(trace.sources[job].get(path, "") is None for job in stage.jobs for path in raw):
                links[stage.number + 1].append(len(boxes))
        links[len(boxes)] = []
        note = f"{sum(state.bytes for state in raw.values()) / 1e6:,.1f} MB"
        files = _files("Files as they were read", raw, trace.run.home, opened=True)
        boxes.append(_Box("Raw files", count_of(len(raw), "file"), note, "raw", [files]))
    return boxes, links


def _number(trace: Trace) -> str:
    if trace.cell is None:
        return trace.path.rsplit("/", 1)[-1]
    return f"{trace.cell.name} = {trace.cell.value}"


def _start(trace: Trace) -> _Box:
    if trace.cell is None:
        made = {trace.path: written(trace.record(trace.run.makers[trace.path]))[trace.path]}
        files = _files("As its job wrote it", made, trace.run.home, opened=True)
        return _Box(_number(trace), "", f"{made[trace.path].bytes:,} bytes", "number", [files])
    scores = trace.cell.scores
    value, note = f"{float(trace.cell.value):.4f}", count_of(len(scores), "case")
    return _Box(value, trace.cell.name, note, "number", scores=scores)


def _stage(trace: Trace, stage: Stage) -> _Box:
    records = [trace.record(job) for job in stage.jobs]
    failed = any(record.status != OK for record in records)
    return _Box(
        stage_title(stage, records),
        wildcards(records),
        f"{records[0].started[:10]}, {took(records)}",
        "failed" if failed else "stage",
        [hashes for hashes in _of_stage(trace, stage, records) if hashes.of],
        facts=facts(records),
        jobs=records if len(records) > 1 else (),
    )


def _of_stage(trace: Trace, stage: Stage, records: list[Record]) -> Iterator[_Hashes]:
    home = trace.run.home
    read = {
        path: trace.record(job).inputs[path] for job in stage.jobs for path in trace.sources[job]
    }
    aside = {
        path: trace.record(job).inputs[path] for job in stage.jobs for path in trace.set_aside[job]
    }
    wrote = {path: state for record in records for path, state in written(record).items()}
    yield _files("Wrote", wrote, home)
    yield _files("Read", read, home)
    yield _files("Read too, not behind this number", aside, home)
    yield _Hashes("Modules of the code", list(records[0].code.items()), opened=False)


def _files(
    title: str, states: Mapping[str, FileState], home: str, opened: bool | None = None
) -> _Hashes:
    files = [(below(path, home), state.sha256) for path, state in states.items()]
    return _Hashes(title, files, len(files) <= 6 if opened is None else opened)


def _placed(
    boxes: Sequence[_Box], links: Mapping[int, Sequence[int]], layout: Layout
) -> Iterator[_Placed]:
    for number, box in enumerate(boxes):
        centre, layer = layout.boxes[number]
        yield _Placed(box, centre - BOX / 2 + MARGIN, layer * STEP + MARGIN, links[number])


def _path(points: Sequence[tuple[float, int]]) -> str:
    """A line through the layers: straight past a layer's boxes, curved between layers."""
    x, layer = points[0]
    parts = [f"M{x + MARGIN:.1f},{layer * STEP + HEIGHT + MARGIN:.1f}"]
    for n, (_, (x, layer)) in enumerate(itertools.pairwise(points), start=1):
        before = points[n - 1][0] + MARGIN
        upper = (layer - 1) * STEP + HEIGHT + MARGIN
        lower = layer * STEP + MARGIN
        middle = (upper + lower) / 2
        x += MARGIN
        parts.append(f"C{before:.1f},{middle:.1f} {x:.1f},{middle:.1f} {x:.1f},{lower:.1f}")
        if n < len(points) - 1:
            parts.append(f"V{lower + HEIGHT:.1f}")
    return " ".join(parts)
