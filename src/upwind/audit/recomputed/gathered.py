"""Tables that gather what other files say, held against these: ``cases.csv`` and the reports of
cases, ``split.csv`` and the splits of folds, ``scores.csv`` and the masks that are scored.

As in :mod:`upwind.audit.recomputed.numbers`: with code of its own.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from upwind.audit.findings import Checked, Finding, FindingKind, broken
from upwind.audit.recomputed.numbers import METHODS, Results, run_checks, same
from upwind.common.reading import once_each

_AXES = ("x", "y", "z")
_FIGURES = (
    *("slices", "hu_min", "hu_max", "liver_slices", "liver_ml"),
    *("tumour_ml", "liver_hu", "fat_or_air"),
)
_BETWEEN = " | "  # errors, and notes, in a cell


def check_gathered(results: Results) -> Checked:
    """Every gathered table, in well under a second."""
    return run_checks(
        results,
        [
            ("case_reports", "cases.csv", ("cases/*.json", "cases.txt"), _cases),
            ("gathered_slices", "split.csv", ("split/*.csv",), _split),
            ("scored_masks", "scores.csv", (METHODS,), _masks),
        ],
    )


def _cases(results: Results) -> Iterator[Finding | int]:
    """Each row has its report's figures; cases with errors, those whose image a case before them
    has, and those whose liver is thinner than the level set's working grid, are not usable. Reports
    of cases that are no longer in the data may lie beside."""
    rows = {int(row["case"]): row for row in results.rows("cases.csv")}
    reports = {case: _report(results, case) for case in sorted(rows)}
    alike = Counter(report["voxels"] for report in reports.values())
    first: dict[str | None, int] = {None: -1}
    usable = []
    for case, report in reports.items():
        is_twin = report["voxels"] is not None and alike[report["voxels"]] > 1
        again = is_twin and first.setdefault(report["voxels"], case) != case
        is_bad = again or _is_thin(results, report)
        more = {"errors"} if is_bad else set()
        more |= {"notes"} if is_twin and not again else set()
        is_usable = not report["errors"] and not is_bad
        usable += [str(case)] * is_usable
        wrong = [*_other_figures(rows[case], report), *_other_words(rows[case], report, more)]
        wrong += [] if rows[case]["usable"] == str(is_usable) else ["usable"]
        for name in wrong:
            message = f"case {case}: {name} is {rows[case][name] or 'empty'} there, and otherwise "
            yield results.number("cases.csv", f"{message}in cases/case-{case}.json")
        yield 1
    if results.text("cases.txt").split() != usable:
        message = f"it lists other cases than those that are usable: {', '.join(usable)}"
        yield results.number("cases.txt", message)


def _report(results: Results, case: int) -> dict[str, Any]:
    text = results.text(f"cases/case-{case}.json")
    return json.loads(text, object_pairs_hook=once_each)


def _is_thin(results: Results, report: Mapping[str, Any]) -> bool:
    levelset = results.config["levelset"]
    working = max(levelset["spacing_mm"], levelset["blind"]["spacing_mm"])
    return report["liver_mm"] is not None and 0 < report["liver_mm"] < working


def _other_figures(row: Mapping[str, str], report: Mapping[str, Any]) -> Iterator[str]:
    shape = report["shape"] or []
    width, height, _ = shape if len(shape) == len(_AXES) else (None, None, None)
    figures = {"size_x": width, "size_y": height}
    spacings = report["spacing"] or [None] * 3
    figures |= {f"spacing_{a}_mm": mm for a, mm in zip(_AXES, spacings, strict=True)}
    figures |= {name: report[name] for name in _FIGURES}
    yield from (name for name, value in figures.items() if not same(row[name], value))
    for name in ("orientation", "sizes_known"):
        said = "" if report[name] is None else str(report[name])
        if row[name] != said:
            yield name


def _other_words(
    row: Mapping[str, str], report: Mapping[str, Any], more: Collection[str]
) -> Iterator[str]:
    """In ``more`` of them, one thing more is said than in its report."""
    for name in ("errors", "notes"):
        text = _BETWEEN.join(report[name])
        longer = row[name].startswith(text) and len(row[name]) > len(text)
        if not (longer if name in more else row[name] == text):
            yield name


def _split(results: Results) -> Iterator[Finding | int]:
    """The rows of each fold are those of its own split, in any order."""
    gathered: dict[str, Counter[tuple[str, ...]]] = {}
    for row in results.rows("split.csv"):
        gathered.setdefault(row["fold"], Counter())[tuple(row.values())] += 1
    for fold, rows in gathered.items():
        own = Counter(tuple(row.values()) for row in results.rows(f"split/{fold}.csv"))
        wrong = (own - rows) + (rows - own)
        if wrong:
            message = f"fold {fold}: {wrong.total()} rows are there or in split/{fold}.csv, not in "
            yield results.number("split.csv", f"{message}both: {' '.join(min(wrong))}")
        yield rows.total()


def _masks(results: Results) -> Iterator[Finding | int]:
    """In the folder of a fold is no other mask than those that are scored: another would be read
    with them, as the workflow reads folders."""
    scored = set(_scored(results))
    for path in sorted({f"{PurePosixPath(mask).parent}" for mask in scored}):
        here = {f"{path}/{file.name}" for file in (results.folder / path).glob("*.nii.gz")}
        for mask in sorted(here - scored):
            message = "it is no segmentation of a case that is scored"
            remedy = f"delete {results.name(path)}, and run the workflow again"
            yield broken(FindingKind.unexplained, results.name(mask), message, remedy)
    yield len(scored)


def _scored(results: Results) -> Iterator[str]:
    patterns = {method["key"]: method["masks"] for method in results.methods}
    for row in results.rows("scores.csv"):
        pattern = patterns[row["method"]][row["subset"]]
        if "{fold}" in pattern:  # a job for each fold, rather than for each case
            yield pattern.format(case=row["case"], fold=row["fold"])
