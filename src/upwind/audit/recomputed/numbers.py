"""The numbers of tables, made again from the files that they rest on.

Table I from ``scores.csv``, that from the scores of each method, verdicts from training curves.
None of the code that made them is used (a contract on imports holds that), and values are read as
text. What is printed or drawn from these tables (Markdown, TeX, HTML, figures) is not read again:
recorded hashes vouch for it.

Tolerance: sums in another order differ in the last bits of a double, about 1e-16 of the value;
``CLOSE`` leaves a wide margin and is far below what any table shows.
"""

import csv
import functools
import io
import json
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from upwind.audit.findings import Checked, Finding, FindingKind, broken, unchecked

CLOSE = 1e-9
METHODS = "methods.json"
SCORES, SEEDS = "scores.csv", "seeds.csv"
_TABLES = (SCORES, "verdicts.csv", METHODS)
_REMEDY = "run the workflow again; if it comes out the same, its code and the audit disagree"

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Results:
    """Where results lie (``folder``), how findings name that folder (``home``), the effective
    configuration, and files that are known to be broken, from which nothing follows."""

    folder: Path
    home: str
    config: Mapping[str, Any]
    distrusted: Collection[str] = ()

    @functools.cached_property
    def methods(self) -> list[dict[str, Any]]:
        """What the run says of its methods, in their order: ``methods.json``."""
        content = (self.folder / METHODS).read_text(encoding="utf-8")
        return json.loads(content)["methods"]

    def name(self, path: str) -> str:
        """A path below the results, as findings name it."""
        return f"{self.home}/{path}"

    def rows(self, path: str) -> Rows:
        """The rows of a CSV file below the results."""
        return list(csv.DictReader(io.StringIO(self.text(path), newline="")))

    def text(self, path: str) -> str:
        """A file below the results as it is, line ends included."""
        return (self.folder / path).read_bytes().decode("utf-8")

    def table(self, path: str) -> dict[str, np.ndarray]:
        """Columns of a CSV file that holds nothing but numbers."""
        return _parsed(self.text(path))

    def number(self, path: str, message: str) -> Finding:
        """A number of ``path`` that does not follow from what it rests on."""
        return broken(FindingKind.number, self.name(path), message, _REMEDY)


Check = Callable[[Results], Iterator[Finding | int]]


def run_checks(
    results: Results, checks: Iterable[tuple[str, str, tuple[str, ...], Check]]
) -> Checked:
    """Run checks given as (what they count, the file they are about, files or patterns that they
    need, function); the function yields findings, and how many numbers it has looked at.

    A check is left out where a file that it needs is distrusted, and counts as unchecked where one
    is not here.
    """
    parts = []
    for label, about, needed, check in checks:
        files = [file for pattern in needed for file in _matching(results, pattern)]
        if any(results.name(file) in results.distrusted for file in files):
            continue
        gone = [file for file in (about, *files) if not (results.folder / file).is_file()]
        if gone or not files:
            message = f"not made again: {results.name(gone[0] if gone else needed[0])} is not here"
            finding = unchecked(
                FindingKind.number, results.name(about), message, "audit where it is"
            )
            parts.append(Checked((finding,)))
            continue
        parts.append(_outcome(results, label, about, check))
    return Checked.all_of(parts)


def same(text: str, value: float | None, tolerance: float = CLOSE) -> bool:
    """Does a cell hold ``value``? An undefined one is an empty cell, and NaN here."""
    if value is None or math.isnan(value):
        return text == ""
    try:
        return math.isclose(float(text), value, rel_tol=tolerance, abs_tol=tolerance)
    except ValueError:
        return False


def check_numbers(results: Results) -> Checked:
    """All numbers that can be made again from tables alone, in well under a second."""
    seeds = (SEEDS, (SCORES, METHODS, "scores/*.csv"), _gathered_seeds)
    return run_checks(
        results,
        [
            ("verdicts", "verdicts.csv", ("networks/*/*/curves.csv",), _verdicts),
            ("gathered_scores", SCORES, ("scores/*.csv",), _gathered),
            *([("gathered_seeds", *seeds)] if further_seeds(results) else []),
            ("table1_cells", "table1.csv", _TABLES, _table1),
            ("extended_cells", "extended.csv", _TABLES, _extended),
        ],
    )


def further_seeds(results: Results) -> list[int]:
    """The seeds of a run beside that of its Table I."""
    return [seed for seed in results.config.get("seeds") or () if seed != results.config["seed"]]


def further_rows(results: Results) -> Rows:
    """Rows of ``seeds.csv`` that are of further seeds; none where there are none."""
    further = set(map(str, further_seeds(results)))
    return [row for row in results.rows(SEEDS) if row["seed"] in further] if further else []


@functools.lru_cache(maxsize=4)
def _parsed(text: str) -> dict[str, np.ndarray]:
    names, *lines = text.splitlines()
    if not lines:
        raise ValueError("it has no rows")
    values = np.loadtxt(lines, delimiter=",", ndmin=2)
    values.setflags(write=False)
    return dict(zip(names.split(","), values.T, strict=True))


def _matching(results: Results, pattern: str) -> list[str]:
    if "*" not in pattern:
        return [pattern]
    return sorted(
        path.relative_to(results.folder).as_posix() for path in results.folder.glob(pattern)
    )


def _outcome(results: Results, label: str, about: str, check: Check) -> Checked:
    findings, count = [], 0
    try:
        with np.errstate(all="ignore"):  # of a value that is not finite a finding tells
            for item in check(results):
                if isinstance(item, int):
                    count += item
                else:
                    findings.append(item)
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, csv.Error) as error:
        reason = f"{type(error).__name__}: {error}"
        findings.append(results.number(about, f"it cannot be made again ({reason})"))
    return Checked(tuple(findings), {label: count})


def _verdicts(results: Results) -> Iterator[Finding | int]:
    """A run failed if its last losses are not finite, or its held-out DSC is below the limit."""
    limit = float(results.config["training"]["failed_below"])
    for row in results.rows("verdicts.csv"):
        last = results.rows(f"networks/{row['method']}/{row['fold']}/curves.csv")[-1]
        losses = [_value(last[name]) for name in ("train_loss", "heldout_loss")]
        dsc = _value(last["heldout_dsc"])
        failed = not (all(map(math.isfinite, losses)) and dsc >= limit)
        run = f"{row['method']} {row['fold']}"
        if row["failed"] != str(failed) or bool(row["reason"]) != failed:
            message = f"{run}: failed is {row['failed']} there, its curves say {failed}"
            yield results.number("verdicts.csv", message)
        if not same(row["heldout_dsc"], dsc):
            message = (
                f"{run}: held-out DSC is {row['heldout_dsc']} there, its curves end with {dsc}"
            )
            yield results.number("verdicts.csv", message)
        yield 1


def _gathered(results: Results) -> Iterator[Finding | int]:
    source = {_key(row): (path, row) for seed, path, row in _scored(results) if not seed}
    gathered = {_key(row): row for row in results.rows(SCORES)}
    yield from _same_rows(results, SCORES, source, gathered)


def _gathered_seeds(results: Results) -> Iterator[Finding | int]:
    """Every score of ``scores.csv``, and of each method that is trained, or that post-processes one
    that is, the scores of each further seed."""
    further = list(map(str, further_seeds(results)))
    trained = {method["key"] for method in results.methods if "heldout" in method["subsets"]}
    seeded = trained | {m["key"] for m in results.methods if m.get("of") in trained}
    scores, source = results.rows(SCORES), {}
    for row in scores:
        seed = str(results.config["seed"]) if row["method"] in seeded else ""
        source[(*_key(row), seed)] = SCORES, row | {"seed": seed}
    of_files = {(*_key(row), seed): (path, row) for seed, path, row in _scored(results) if seed}
    for row in scores:
        for seed in further if row["method"] in seeded else ():
            key = (*_key(row), seed)
            path, found = of_files.pop(key, ("scores/", None))
            if found is None:
                yield results.number(SEEDS, f"{' '.join(key)} is missing in {path}")
            else:
                source[key] = path, found | {"seed": seed}
    for key, (path, _) in of_files.items():
        yield results.number(SEEDS, f"{' '.join(key)} of {path} is of no method or case with seeds")
    gathered = {(*_key(row), row["seed"]): row for row in results.rows(SEEDS)}
    yield from _same_rows(results, SEEDS, source, gathered)


def _scored(results: Results) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Seed, file and row of every score of a method; no seed for that of Table I."""
    for path in sorted((results.folder / "scores").glob("*.csv")):
        # METHOD, METHOD-FOLD, METHOD-FOLD-SEED or METHOD-seed-SEED; no name of a method has a dash.
        _, _, seed = [*path.stem.split("-"), "", ""][:3]
        for row in results.rows(f"scores/{path.name}"):
            yield seed, f"scores/{path.name}", row


def _same_rows(
    results: Results,
    table: str,
    source: Mapping[tuple[str, ...], tuple[str, Mapping[str, str]]],
    gathered: Mapping[tuple[str, ...], Mapping[str, str]],
) -> Iterator[Finding | int]:
    """Does a table have the rows of the files that it was gathered from, and no others?"""
    for key in sorted(source.keys() ^ gathered.keys()):
        where = table if key in source else "scores/"
        yield results.number(table, f"{' '.join(key)} is missing in {where}")
    for key in source.keys() & gathered.keys():
        path, row = source[key]
        for column, text in gathered[key].items():
            if row[column] != text and not same(text, _value(row[column])):
                message = f"{' '.join(key)}: {column} is {text} there and {row[column]} in {path}"
                yield results.number(table, message)
        yield len(row)


def _table1(results: Results) -> Iterator[Finding | int]:
    columns = {
        column["key"]: (method["key"], column["subset"])
        for method in results.methods
        for column in method["columns"]
    }
    yield from _means(results, "table1.csv", columns)


def _extended(results: Results) -> Iterator[Finding | int]:
    columns = {method["key"]: (method["key"], "unseen") for method in results.methods}
    yield from _means(results, "extended.csv", columns)


def _means(
    results: Results, path: str, columns: Mapping[str, tuple[str, str]]
) -> Iterator[Finding | int]:
    """A fold's cell is the mean DSC of its cases, ``avg`` the mean of the folds, all with the
    same weight, and ``avg_without`` that of the folds in which every network trained."""
    scores = defaultdict(list)
    for row in results.rows("scores.csv"):
        if row["dsc"]:
            scores[row["fold"], row["method"], row["subset"]].append(float(row["dsc"]))
    folds = sorted({fold for fold, _, _ in scores}, key=int)
    failed = {r["fold"] for r in results.rows("verdicts.csv") if r["failed"] == "True"} & set(folds)
    labels = {fold: [fold] for fold in folds} | {"avg": folds}
    kept = [fold for fold in folds if fold not in failed]
    if failed and kept:
        labels["avg_without_" + "_".join(sorted(failed, key=int))] = kept
    rows = results.rows(path)
    if [row["fold"] for row in rows] != list(labels):
        found = ", ".join(row["fold"] for row in rows)
        yield results.number(path, f"its rows are {found}; they must be {', '.join(labels)}")
        return
    for row in rows:
        for column, (method, subset) in columns.items():
            means = [_mean(scores[fold, method, subset]) for fold in labels[row["fold"]]]
            if not same(row[column], _mean(means)):
                message = f"cell {column}, {row['fold']} is {row[column]} there and "
                yield results.number(path, f"{message}{_mean(means)!r} by scores.csv")
            yield 1


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return row["method"], row["fold"], row["case"], row["subset"]


def _value(text: str) -> float:
    return float(text) if text else math.nan


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
