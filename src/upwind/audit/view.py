"""An audit as people read it, and as JSON.

The JSON object has these fields:

- ``schema``: 1, raised when a field changes its meaning or goes
- ``folder``: the audited folder
- ``holds``: true if nothing is broken; the exit code is 0 then, 1 otherwise
- ``signed_by``: who signed a crate, and before when, where that was asked and holds; else empty
- ``deep``: whether scores, slices and folds were made again from the volumes
- ``seconds``: how long it took
- ``counts``: how many things of each sort were looked at, by name
- ``findings``: causes before what follows from them, each with ``severity`` (``broken``,
  ``warning`` or ``unchecked``), ``kind`` (:class:`upwind.audit.findings.FindingKind`), ``path``
  (of a file or a record, as the workflow names it; a package's name), ``message`` (what is wrong),
  ``remedy`` (what to do) and ``affects`` (paths of results that were made from it)
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import PurePosixPath

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from upwind.audit.findings import Finding, FindingKind, Severity
from upwind.audit.whole import Audit
from upwind.common.wording import count_of, first_few, printable

SCHEMA = 1
_SHOWN = 5  # findings of one kind, and results that fall with one
_STYLES = {Severity.broken: "red", Severity.warning: "yellow", Severity.unchecked: "cyan"}
_TITLES = {
    Severity.broken: "Broken",
    Severity.warning: "Warnings",
    Severity.unchecked: "Not checked",
}
# What is checked: counts with their names for people, and the kinds of findings.
_CHECKS: tuple[tuple[str, Mapping[str, str], Collection[FindingKind]], ...] = (
    (
        "every job left a record, intact",
        {"records": "records"},
        {FindingKind.record, FindingKind.missing_record, FindingKind.failed_job},
    ),
    (
        "files are what their jobs wrote",
        {"files": "files"},
        {FindingKind.changed, FindingKind.missing, FindingKind.unexplained, FindingKind.raw_data},
    ),
    ("jobs read what is there", {"links": "inputs"}, {FindingKind.link}),
    (
        "code and packages are the same",
        {"modules": "modules", "packages": "packages"},
        {FindingKind.code, FindingKind.package},
    ),
    (
        "parameters, and nothing left to do",
        {"planned_jobs": "jobs"},
        {FindingKind.parameter, FindingKind.workflow},
    ),
    (
        "numbers follow from scores and weights",
        {
            "table1_cells": "cells of Table I",
            "extended_cells": "cells of the extended table",
            "gathered_scores": "scores",
            "verdicts": "verdicts",
            "comparisons": "comparisons",
            "trials": "trials of the level set",
            "tuned_folds": "folds tuned blind",
            "kernels": "kernels in Figure 2",
            "moments": "moments of kernels",
            "case_reports": "reports of cases",
            "written_tables": "tables as people read them",
        },
        {FindingKind.number},
    ),
    (
        "weights are what training ended with",
        {"finished_trainings": "trainings"},
        {FindingKind.training},
    ),
)

_DEEP = {"scores": "scores", "resampled_slices": "slices", "folded_cases": "patients in folds"}
# What no audit can tell, with why.
_UNTOLD = (
    ("weights, figures, pages and logs, made again", "their hashes vouch for them"),
    ("hosts, processors and times of jobs", "only their records tell"),
)
_UNSIGNED = (
    "Records are sealed, which shows damage and edits. A seal does not prove who wrote a record, "
    "or that the job ran as it says; a signed crate names somebody who vouches for that."
)
_FROM_VOLUMES = ("scores.csv", "cases.csv", "folds.csv", "split.csv")


def to_json(audit: Audit) -> str:
    """The audit as JSON; this module's docstring says what the fields are."""
    content = {
        "schema": SCHEMA,
        "folder": str(audit.folder),
        "holds": audit.holds,
        "signed_by": audit.signed_by,
        "deep": audit.deep,
        "seconds": round(audit.seconds, 3),
        "counts": dict(audit.checked.counts),
        "findings": [asdict(finding) for finding in audit.checked.findings],
    }
    return json.dumps(content, indent=2)


def view(audit: Audit) -> RenderableType:
    """What was checked, everything that was found, and the verdict, for a rich console."""
    parts: list[RenderableType] = [_overview(audit), Text()]
    for severity in Severity:
        found = audit.of(severity)
        if found:
            parts.append(Text(_TITLES[severity], style=f"bold {_STYLES[severity]}"))
            parts += [Padding(part, (0, 0, 0, 2), expand=False) for part in _listed(found)]
            parts.append(Text())
    if not audit.signed_by:
        parts.append(Text(_UNSIGNED, style="dim"))
    return Group(*parts, _verdict(audit))


def _overview(audit: Audit) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 2, 0, 0))
    table.add_column("checked", no_wrap=True)
    table.add_column("looked at")
    table.add_column("")
    counts = audit.checked.counts
    for title, names, kinds in _CHECKS:
        looked_at = [f"{counts[key]:,} {name}" for key, name in names.items() if counts.get(key)]
        if "files" in names and looked_at:
            looked_at[0] += f", {counts['bytes'] / 1e6:,.0f} MB"
        wrong, skipped = (
            sum(f.kind in kinds and not _is_deep(audit, f) for f in audit.of(severity))
            for severity in (Severity.broken, Severity.unchecked)
        )
        table.add_row(title, ", ".join(looked_at), _result(wrong, bool(looked_at), skipped))
    title = "scores follow from the volumes"
    looked_at = [f"{counts[key]:,} {name}" for key, name in _DEEP.items() if counts.get(key)]
    wrong = sum(_is_deep(audit, finding) for finding in audit.of(Severity.broken))
    table.add_row(
        title, ", ".join(looked_at) or "only with --deep", _result(wrong, bool(looked_at))
    )
    for title, why in _UNTOLD:
        table.add_row(title, why, _result(0, was_checked=False))
    wrong = sum(f.kind is FindingKind.signature for f in audit.of(Severity.broken))
    signer = audit.signed_by or "seals are no signatures"
    table.add_row("who vouches for the records", signer, _result(wrong, bool(audit.signed_by)))
    return table


def _is_deep(audit: Audit, finding: Finding) -> bool:
    """Is it about what only the volumes can tell? The scores may be about either."""
    about = PurePosixPath(finding.path)
    of_volumes = about.name in _FROM_VOLUMES or about.parent.name == "slices"
    return audit.deep and finding.kind is FindingKind.number and of_volumes


def _result(wrong: int, was_checked: bool, skipped: int = 0) -> Text:
    """``skipped`` things are listed as not checked."""
    if wrong:
        return Text(f"{wrong} broken", style="red")
    if not was_checked:
        return Text("not checked", style="cyan")
    return Text("in part", style="cyan") if skipped else Text("yes", style="green")


def _listed(findings: Collection[Finding]) -> Iterator[RenderableType]:
    shown: dict[FindingKind, int] = {}
    for finding in findings:
        shown[finding.kind] = shown.get(finding.kind, 0) + 1
        if shown[finding.kind] <= _SHOWN:
            yield Text.assemble((printable(finding.path), "bold"), f": {finding.kind}")
            yield Padding(Text(printable(finding.message)), (0, 0, 0, 2), expand=False)
            if finding.affects:
                yield Padding(Text(_fallen(finding.affects)), (0, 0, 0, 2), expand=False)
            yield Padding(
                Text(f"→ {printable(finding.remedy)}", style="dim"), (0, 0, 0, 2), expand=False
            )
    for kind, count in shown.items():
        if count > _SHOWN:
            yield Text(f"{kind}: {count - _SHOWN} more, which --json lists", style="dim")


def _fallen(paths: Collection[str]) -> str:
    """The results that fall: Table I first, then what lies nearest to the top."""
    ordered = sorted(paths, key=lambda p: ("table1" not in p, len(PurePosixPath(p).parts), p))
    names = [printable(PurePosixPath(path).name) for path in ordered]
    return f"with it fall {first_few(names, _SHOWN)}"


def _verdict(audit: Audit) -> Text:
    broken, warned, skipped = (len(audit.of(severity)) for severity in Severity)
    warnings = count_of(warned, "warning")
    apart = [warnings] * bool(warned) + [f"{skipped} not checked"] * bool(skipped)
    with_them = f" ({', '.join(apart)})" if apart else ""
    took = f" {audit.seconds:.1f} s."
    if audit.holds:
        return Text(f"{audit.folder} holds{with_them}.{took}", style="bold green")
    return Text(
        f"{audit.folder} does not hold: {broken} broken{with_them}.{took}", style="bold red"
    )
