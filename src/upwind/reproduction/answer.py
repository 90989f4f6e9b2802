"""Whether the published demo was reproduced, as people read it, and as JSON.

The JSON object has these fields:

- ``schema``: 1
- ``reproduced``: ``yes``, ``no`` or ``not the published demo``; the exit code is 0, 1 or 2
- ``settings``: those that are not the published demo's
- ``table1``: cells as in :mod:`upwind.reproduction.view`, the published value first
- ``stages``: in the order of their making, each with ``name``, how many were ``compared``, and the
  names that are ``differing``
- ``factors``: those that differ behind Table I, each with ``what`` differs
"""

import json

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from upwind.common.wording import count_of, first_few
from upwind.reproduction.reproduced import Answer, Reproduction, Stage, setting_lines
from upwind.reproduction.view import cell_json, cell_table, shown

SCHEMA = 1
_SHOWN = 5
# How many of what a stage compares.
_NOUNS = {
    "data": "",
    "slices": "",
    "networks": "network",
    "segmentations": "folder",
    "scores": "set",
}


def to_json(found: Reproduction) -> str:
    """The answer as JSON; this module's docstring says what the fields are."""
    content = {
        "schema": SCHEMA,
        "reproduced": found.answer,
        "settings": setting_lines(found.settings),
        "table1": [cell_json(cell) for cell in found.cells],
        "stages": [
            {"name": s.name, "compared": s.compared, "differing": list(s.differing)}
            for s in found.stages
        ],
        "factors": [{"factor": factor, "what": what} for factor, what in found.factors],
    }
    return json.dumps(content, indent=2)


def view(found: Reproduction) -> RenderableType:
    """The answer in a line, and, unless it is yes, the cells that differ and why."""
    style = {Answer.yes: "bold green", Answer.no: "bold red", Answer.not_the_demo: "bold yellow"}
    parts: list[RenderableType] = [Text(shown(headline(found)), style=style[found.answer])]
    if found.answer is Answer.yes:
        return Group(*parts)
    table = cell_table(found.differing_cells, "published", "here")
    parts.append(Padding(table, (1, 0, 1, 2), expand=False))
    parts += [Text(shown(line)) for line in _why(found)]
    return Group(*parts)


def headline(found: Reproduction) -> str:
    """One line that begins with the answer."""
    cells, differing = found.cells, found.differing_cells
    if found.answer is Answer.yes:
        text = (
            f"Reproduced: yes. All {len(cells)} cells of Table I are the published demo's to the "
        )
        text += "last digit"
        unlike = [
            f"{len(s.differing)} of {s.compared} {s.name}" for s in found.stages if s.differing
        ]
        text += f", though {', '.join(unlike)} differ" if unlike else ""
        changed = f"; set otherwise: {first_few(setting_lines(found.settings), _SHOWN)}"
        return text + (changed if found.settings else "") + "."
    far = max(differing, key=lambda cell: cell.size or 0.0)
    size = "" if far.size is None else f", by {far.size:.4f} at most ({far.name})"
    if found.answer is Answer.not_the_demo:
        changed = first_few(setting_lines(found.settings), _SHOWN)
        return f"Not the published demo, which was set otherwise: {changed}."
    return f"Reproduced: no. {len(differing)} of {len(cells)} cells of Table I differ{size}."


def _why(found: Reproduction) -> list[str]:
    differing = found.differing_cells
    lines = []
    if any(cell.spread is not None for cell in differing):
        within = sum(cell.within for cell in differing)
        lines.append(
            f"{within} of the {count_of(len(differing), 'cell')} lie within the spread over seeds "
            "of the published demo."
        )
    first = found.first_to_differ
    if first is not None:
        before = [s.name for s in found.stages[: found.stages.index(first)] if s.compared]
        same = f"; the same: {', '.join(before)}" if before else ""
        lines.append(f"The first to differ: {_stage(first)}{same}.")
    if found.factors:
        lines += [f"{factor}: {what}" for factor, what in found.factors]
    else:
        lines.append("Code, packages and processor are those of the published demo.")
    return lines


def _stage(stage: Stage) -> str:
    noun = _NOUNS[stage.name]
    if not noun:
        return stage.name
    count = f"{len(stage.differing)} of {count_of(stage.compared, noun)}"
    return f"{stage.name} ({count}: {first_few(stage.differing, _SHOWN)})"
