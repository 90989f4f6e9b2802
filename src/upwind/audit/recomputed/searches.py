"""The searches for the level set's parameters: what follows from their trials, and on whom.

As in :mod:`upwind.audit.recomputed.numbers`: with code of its own.
"""

import json
import math
from collections.abc import Iterator
from pathlib import PurePosixPath

from upwind.audit.findings import Checked, Finding
from upwind.audit.recomputed.numbers import Check, Results, run_checks, same

_OPERATOR = "segmentations/itk_snap/trials-*.csv"
_BLIND = "blind/*/trials.csv"
# Seconds of trials are written with three decimals, and so are their sums.
_MILLISECOND = 5e-4
_TEXT = ("mode", "edge_equation")


def check_searches(results: Results) -> Checked:
    """Every trial of every search, and that the blind one saw none of the patients that it is
    scored on."""
    searches = [
        path.relative_to(results.folder).as_posix()
        for pattern in (_OPERATOR, _BLIND)
        for path in sorted(results.folder.glob(pattern))
    ]
    parameters = [
        path.relative_to(results.folder).as_posix()
        for path in sorted(results.folder.glob("blind/*/parameters.json"))
    ]
    checks: list[tuple[str, str, tuple[str, ...], Check]] = [
        ("trials", path, (path,), _history_of(path)) for path in searches
    ]
    for path in parameters:
        trials = str(PurePosixPath(path).parent / "trials.csv")
        checks.append(("tuned_folds", path, (trials, "folds.csv"), _tuned_in(path, trials)))
    return run_checks(results, checks)


def _history_of(path: str) -> Check:
    """Sums of seconds, the best so far and the choice, from the trials themselves."""

    def check(results: Results) -> Iterator[Finding | int]:
        rows = results.rows(path)
        scores = [float(row["dsc"]) for row in rows]
        chosen = scores.index(max(scores))
        for number, row in enumerate(rows):
            spent = math.fsum(float(r["seconds"]) for r in rows[: number + 1])
            wrong = [
                name
                for name, right in (
                    ("trial", row["trial"] == str(number)),
                    ("spent_seconds", abs(float(row["spent_seconds"]) - spent) < 2 * _MILLISECOND),
                    ("best_dsc", same(row["best_dsc"], max(scores[: number + 1]))),
                    ("chosen", row["chosen"] == str(number == chosen)),
                )
                if not right
            ]
            if wrong:
                message = f"trial {number}: {', '.join(wrong)} do not follow from its trials"
                yield results.number(path, message)
            yield 1

    return check


def _tuned_in(path: str, trials: str) -> Check:
    """The parameters are those of the best trial, and none of the patients is one that the fold
    leaves out."""

    def check(results: Results) -> Iterator[Finding | int]:
        tuned = json.loads((results.folder / path).read_text(encoding="utf-8"))
        fold = PurePosixPath(path).parent.name
        unseen = {int(r["case"]) for r in results.rows("folds.csv") if r["fold"] == fold}
        seen = sorted(unseen & set(tuned["patients"]))
        if seen or str(tuned["fold"]) != fold or not tuned["patients"]:
            message = f"tuned on {seen or 'patients of another fold'}, whom fold {fold} leaves out"
            yield results.number(path, message)
        best = max(results.rows(trials), key=lambda row: float(row["dsc"]))
        stated = tuned["trial"] | tuned["stopping"] | {"dsc": tuned["dsc"]}
        for name in sorted(stated.keys() & best.keys()):
            text, value = best[name], stated[name]
            # A trial's row is empty where its mode does not use a value.
            if text and not (text == value if name in _TEXT else same(text, value)):
                message = f"{name} is {value} there and {text} in the best trial of {trials}"
                yield results.number(path, message)
        yield 1

    return check
