"""A trace as one page that opens offline: the chain drawn in SVG, with details of each stage.

Boxes are links to their details, so that the page works with the keyboard and without scripts; the
script only adds arrow keys and marks the links of the chosen box.
"""

import html
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from upwind.audit.provenance_graph import written
from upwind.audit.trace.labels import below, count_of, facts, stage_title, took
from upwind.audit.trace.layers import Layout, lay_out
from upwind.audit.trace.stages import Stage, stages, wildcards
from upwind.audit.trace.walk import Trace
from upwind.common.files import write_text
from upwind.provenance.hashing import FileState
from upwind.provenance.records import OK, Record

# Pixels. 204 holds the longest rule's name.
BOX, LANE, GAP, HEIGHT, STEP, MARGIN = 204, 8, 12, 60, 92, 8
# Boxes side by side: with their lanes, about what is left of a 1280 px screen.
MOST = 3
# A wide drawing is shrunk this far and then scrolled, so that it stays legible.
SHRINK = 0.68
_PAGE = files("upwind.audit.trace") / "page.html"


@dataclass(frozen=True)
class _Box:
    """What is drawn of a stage, of the number, or of the raw files: ``name`` and two lines below,
    and ``details`` as HTML. ``kind`` is its CSS class."""

    name: str
    about: str
    note: str
    details: str
    kind: str


def write_page(path: str | os.PathLike[str], trace: Trace) -> None:
    """Draw a trace into one HTML file, written atomically."""
    write_text(path, page(trace))


def page(trace: Trace) -> str:
    """The page: heading, drawing and details."""
    boxes, links = _boxes(trace)
    raw = [number for number, box in enumerate(boxes) if box.kind == "raw"]
    layout = lay_out(links, BOX, LANE, GAP, MOST, last=raw)
    sections = "".join(
        f'<section id="box-{number}" tabindex="-1">'
        f"<h2>{_text(box.name)}</h2>{box.details}</section>"
        for number, box in enumerate(boxes)
    )
    problems = "".join(f"<li>{_text(problem)}</li>" for problem in trace.problems)
    values = {
        "TITLE": _text(f"{trace.path}: {_number(trace)}" if trace.cell else trace.path),
        "HEADING": f"<h1>{_text(_number(trace))}</h1><p>{_text(trace.path)}</p>",
        "PROBLEMS": f'<ul class="problems">{problems}</ul>' if problems else "",
        "DRAWING": _drawing(boxes, links, layout),
        "DETAILS": sections,
    }
    text = _PAGE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"<!--{name}-->", value)
    return text


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
        details = _files("Files as they were read", raw, trace.run.home, opened=True)
        boxes.append(_Box("Raw files", count_of(len(raw), "file"), note, details, "raw"))
    return boxes, links


def _number(trace: Trace) -> str:
    if trace.cell is None:
        return trace.path.rsplit("/", 1)[-1]
    return f"{trace.cell.name} = {trace.cell.value}"


def _start(trace: Trace) -> _Box:
    if trace.cell is None:
        made = {trace.path: written(trace.record(trace.run.makers[trace.path]))[trace.path]}
        details = _files("As its job wrote it", made, trace.run.home, opened=True)
        return _Box(_number(trace), "", f"{made[trace.path].bytes:,} bytes", details, "number")
    scores = trace.cell.scores
    rows = "".join(
        f"<tr><td>{_text(score.fold)}</td><td>{_text(score.case)}</td>"
        f"<td>{_text(score.dsc or 'undefined')}</td></tr>"
        for score in scores
    )
    folds = len({score.fold for score in scores})
    mean = "Mean over cases" if folds == 1 else "Mean over folds of the means over their cases"
    details = (
        f"<p>{mean}: method {_text(scores[0].method)}, subset {_text(scores[0].subset)}.</p>"
        f'<table><thead><tr><th scope="col">fold</th><th scope="col">case</th>'
        f'<th scope="col">DSC</th></tr></thead><tbody>{rows}</tbody></table>'
    )
    value, note = f"{float(trace.cell.value):.4f}", count_of(len(scores), "case")
    return _Box(value, trace.cell.name, note, details, "number")


def _stage(trace: Trace, stage: Stage) -> _Box:
    records = [trace.record(job) for job in stage.jobs]
    failed = any(record.status != OK for record in records)
    return _Box(
        stage_title(stage, records),
        wildcards(records),
        f"{records[0].started[:10]}, {took(records)}",
        "".join(_details(trace, stage, records)),
        "failed" if failed else "stage",
    )


def _details(trace: Trace, stage: Stage, records: list[Record]) -> Iterator[str]:
    items = "".join(
        f"<dt>{_text(key)}</dt><dd>{_text(value)}</dd>" for key, value in facts(records).items()
    )
    yield f"<dl>{items}</dl>"
    if len(records) > 1:
        yield _jobs(records)
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
    modules = "".join(
        f"<li>{_text(name)}<code>{digest}</code></li>" for name, digest in records[0].code.items()
    )
    if modules:
        yield _folded(f"Modules of the code ({len(records[0].code)})", f"<ul>{modules}</ul>")


def _jobs(records: Iterable[Record]) -> str:
    rows = "".join(
        f"<tr><td>{_text(record.name)}</td><td>{_text(record.started)}</td>"
        f"<td>{record.seconds:.1f}</td></tr>"
        for record in records
    )
    table = (
        '<table><thead><tr><th scope="col">job</th><th scope="col">started (UTC)</th>'
        f'<th scope="col">seconds</th></tr></thead><tbody>{rows}</tbody></table>'
    )
    return _folded("Jobs", table)


def _files(
    title: str, states: Mapping[str, FileState], home: str, opened: bool | None = None
) -> str:
    if not states:
        return ""
    items = "".join(
        f"<li>{_text(below(path, home))}<code>{state.sha256}</code></li>"
        for path, state in states.items()
    )
    opened = len(states) <= 6 if opened is None else opened
    return _folded(f"{title} ({len(states)})", f"<ul>{items}</ul>", opened)


def _folded(title: str, content: str, opened: bool = False) -> str:
    return (
        f"<details{' open' if opened else ''}><summary>{_text(title)}</summary>{content}</details>"
    )


def _drawing(boxes: list[_Box], links: Mapping[int, list[int]], layout: Layout) -> str:
    width, height = layout.width + 2 * MARGIN, (layout.layers - 1) * STEP + HEIGHT + 2 * MARGIN
    lines = "".join(
        f'<path class="line" data-from="{upper}" data-to="{lower}" d="{_path(points)}"/>'
        for (upper, lower), points in layout.lines.items()
    )
    drawn = "".join(
        _drawn(number, box, layout.boxes[number], links[number]) for number, box in enumerate(boxes)
    )
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'style="min-width: {SHRINK * width:.0f}px" role="group" '
        f'aria-label="Chain from the number down to the volumes">{lines}{drawn}</svg>'
    )


def _drawn(number: int, box: _Box, place: tuple[float, int], sources: list[int]) -> str:
    left, top = place[0] - BOX / 2 + MARGIN, place[1] * STEP + MARGIN
    middle = left + BOX / 2
    label = ", ".join(filter(None, (box.name, box.about, box.note)))
    shown = [text for text in (box.name, box.about, box.note) if text]
    first = top + HEIGHT / 2 - 8 * (len(shown) - 1) + 5
    lines = "".join(
        f'<text class="{"" if n else "name"}" x="{middle:.1f}" y="{first + 16 * n:.1f}">'
        f"{_text(text)}</text>"
        for n, text in enumerate(shown)
    )
    return (
        f'<a href="#box-{number}" class="box {box.kind}" data-number="{number}" '
        f'data-sources="{" ".join(map(str, sources))}" aria-label="{_text(label)}">'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{BOX}" height="{HEIGHT}" rx="6"/>{lines}</a>'
    )


def _path(points: Iterable[tuple[float, int]]) -> str:
    """A line through the layers: straight past a layer's boxes, curved between layers."""
    points = list(points)
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


def _text(value: object) -> str:
    return html.escape(str(value))
