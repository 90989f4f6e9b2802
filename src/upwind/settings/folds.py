"""Folds from a file: a CSV (``case,fold``), or nnU-Net's ``splits_final.json``."""

import csv
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from upwind.common.errors import UpwindError

#: A fold for each case.
Folds = dict[int, int]
_SIDES = ("train", "val")


def given_folds(folds: int | str) -> Folds | None:
    """The folds in the file that the setting ``folds`` names; None where it is a number of them.
    Raises UpwindError as :func:`read_folds` does."""
    return read_folds(folds) if isinstance(folds, str) else None


def fold_count(folds: int | str) -> int:
    """How many folds the setting ``folds`` means. Raises UpwindError as :func:`read_folds` does."""
    return len(set(read_folds(folds).values())) if isinstance(folds, str) else folds


def read_folds(path: str | os.PathLike[str]) -> Folds:
    """The fold in which each case is unseen.

    A CSV has the columns ``case`` and ``fold``. nnU-Net's JSON is a list with an entry for each
    fold, ``train`` and ``val``, of names that end in the case's number (``liver_5``, ``5``).

    Raises UpwindError with every fault of the file: names without a number, cases unseen twice or
    never, cases on both sides of a fold or on neither, folds not numbered from 0.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UpwindError(
            f"folds: {path} cannot be read ({error}): give a number of folds, or a file of them"
        ) from error
    faults: list[str] = []
    read = _json_folds if text.lstrip().startswith(("[", "{")) else _csv_folds
    try:
        found = read(text, faults)
    except (ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
        raise UpwindError(
            f"folds: {path} is neither a CSV with the columns case and fold nor nnU-Net's "
            f"splits_final.json, a list of {{train, val}} ({error or type(error).__name__})"
        ) from error
    numbers = sorted(set(found.values()))
    if not faults and (numbers != list(range(len(numbers))) or len(numbers) < 2):
        said = ", ".join(map(str, numbers)) or "none"
        faults.append(f"its folds are {said}: there must be two or more, numbered from 0")
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise UpwindError(f"folds: {path} is no partition into folds:\n{listed}")
    return dict(sorted(found.items()))


def _csv_folds(text: str, faults: list[str]) -> Folds:
    rows = csv.DictReader(text.splitlines(), strict=True)
    if not {"case", "fold"} <= set(rows.fieldnames or ()):
        raise ValueError("it has no columns case and fold")
    places: defaultdict[int, list[int]] = defaultdict(list)
    found: Folds = {}
    for row in rows:
        case, fold = _number(row["case"]), row["fold"] or ""
        if case is None:
            faults.append(f"line {rows.line_num}: {row['case']!r} does not end in a case's number")
        elif not fold.strip().isdecimal():
            faults.append(f"line {rows.line_num}: {fold!r} is no number of a fold")
        else:
            places[case].append(rows.line_num)
            found[case] = int(fold)
    for case, lines in sorted(places.items()):
        if len(lines) > 1:
            faults.append(f"case {case} stands more than once (lines {_listed(lines)})")
    return found


def _json_folds(text: str, faults: list[str]) -> Folds:
    entries: list[Mapping[str, Any]] = json.loads(text)
    if not isinstance(entries, list) or not all(set(_SIDES) <= set(e) for e in entries):
        raise ValueError("an entry lacks train or val")
    sides = [
        {side: list(_cases(entry[side], f"fold {fold}, {side}", faults)) for side in _SIDES}
        for fold, entry in enumerate(entries)
    ]
    everyone = {case for sided in sides for cases in sided.values() for case in cases}
    unseen: defaultdict[int, list[int]] = defaultdict(list)
    for fold, sided in enumerate(sides):
        for case in sided["val"]:
            unseen[case].append(fold)
        both = set(sided["train"]) & set(sided["val"])
        neither = everyone - set(sided["train"]) - set(sided["val"])
        if both:
            faults.append(f"fold {fold}: in train and in val are cases {_listed(both)}")
        if neither:
            faults.append(f"fold {fold}: neither in train nor in val are cases {_listed(neither)}")
    for case in sorted(everyone):
        if len(unseen[case]) != 1:
            where = f"of folds {_listed(unseen[case])}" if unseen[case] else "of no fold"
            faults.append(f"case {case} is in val {where}: once is right")
    return {case: folds[0] for case, folds in unseen.items() if folds}


def _cases(names: Iterable[Any], where: str, faults: list[str]) -> Iterator[int]:
    for name in names:
        case = _number(str(name))
        if case is None:
            faults.append(f"{where}: {name!r} does not end in a case's number")
        else:
            yield case


def _number(name: str) -> int | None:
    digits = re.search(r"(\d+)\s*$", name, re.ASCII)
    return int(digits[1]) if digits else None


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
