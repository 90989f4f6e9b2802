"""Folds over patients, and the 90/10 split of slices inside a fold's training patients.

Both are frozen as tables that people can read: ``folds.csv`` (case, fold) and ``split.csv``
(fold, case, slice, part). A fold's split depends on its training patients alone, so that another
patient's new data do not train it again.
"""

import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from upwind.common.errors import UpwindError
from upwind.common.frames import groups

TRAIN, HELDOUT = "train", "heldout"
# Named subsets of cases. ``paper21``: the cases of LiTS that the paper's level set was run on, of
# 131, as its authors' public code lists them (github.com/jonasactor/livermask).
SUBSETS = {
    "paper21": (
        *(3, 9, 19, 23, 24, 25, 36, 37, 44, 49, 50, 75, 76, 77, 88, 95, 96, 101, 103, 122, 128),
    )
}  # fmt: skip


def folds_table(
    cases: Sequence[int],
    folds: int,
    shuffle_seed: int | None = None,
    given: Mapping[int, int] | None = None,
) -> pd.DataFrame:
    """Columns ``case``, ``fold``, in order of case: as ``given`` (:mod:`upwind.settings.folds`), or
    ``folds`` of them by :func:`assign_folds`. Raises UpwindError for a case that has no fold, and
    for a fold that is left without one."""
    if given is None:
        return assign_folds(cases, folds, shuffle_seed)
    missing = sorted(set(cases) - given.keys())
    if missing:
        raise UpwindError(
            f"folds: the file has no fold for case {_listed(missing)}; add a row or name for each"
        )
    empty = sorted(set(given.values()) - {given[case] for case in cases})
    if empty:
        raise UpwindError(
            f"folds: fold {_listed(empty)} has no usable case; number the others without it"
        )
    return pd.DataFrame([(case, given[case]) for case in sorted(cases)], columns=["case", "fold"])


def check_known(given: Mapping[int, int], cases: Iterable[int]) -> None:
    """Raise UpwindError for a case in a file of folds that the data set (usable or not) lacks."""
    unknown = sorted(given.keys() - set(cases))
    if unknown:
        raise UpwindError(
            f"folds: the file has case {_listed(unknown)}, and the data have not; take it out, or "
            "add its volumes (dataset.root)"
        )


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def assign_folds(cases: Sequence[int], folds: int, shuffle_seed: int | None = None) -> pd.DataFrame:
    """Columns ``case``, ``fold``: unshuffled k-fold over the case numbers in order, as in the
    paper [code] (131 cases, 5 folds: 0-26, 27-52, 53-78, 79-104, 105-130).

    ``shuffle_seed`` shuffles the patients first; None is the paper's.
    """
    ordered = sorted(cases)
    if folds < 2:
        raise UpwindError(f"folds: {folds} leaves nobody to train on; set `folds` to 2 or more")
    if folds > len(ordered):
        raise UpwindError(
            f"folds: {folds} folds need at least {folds} usable cases and there are "
            f"{len(ordered)}; set `folds` to no more than that, or add cases (dataset.root)"
        )
    order = np.arange(len(ordered))
    if shuffle_seed is not None:
        order = np.random.default_rng(shuffle_seed).permutation(order)
    fold_of = np.empty(len(ordered), int)
    for fold, unseen in enumerate(np.array_split(order, folds)):
        fold_of[unseen] = fold
    return pd.DataFrame({"case": ordered, "fold": fold_of})


def split_slices(
    fold: str,
    liver_slices: Mapping[int, Sequence[int]],
    heldout_share: float,
    seed: int,
) -> pd.DataFrame:
    """The liver-bearing slices of a fold's training patients, shuffled with ``seed`` and split:
    ``heldout_share`` is held out.

    ``liver_slices`` maps each training case to the indices of its liver-bearing slices; the fold
    'all' trains on every patient, as the paper's analysed network did [code]. Columns ``fold``
    (text), ``case``, ``slice``, ``part`` ('train' or 'heldout'), in order of case and slice. The
    held-out slices come from patients that were trained on: they are not unseen patients.
    """
    rows = [(fold, case, int(z)) for case in sorted(liver_slices) for z in liver_slices[case]]
    order = np.random.default_rng(seed).permutation(len(rows))
    part = np.full(len(rows), TRAIN, dtype=object)
    # At least one slice is held out: whether a fold trained is judged on it.
    part[order[: max(1, round(heldout_share * len(rows)))]] = HELDOUT
    return pd.DataFrame(rows, columns=["fold", "case", "slice"]).assign(part=part)


def read_split(path: str | os.PathLike[str]) -> pd.DataFrame:
    """The split of a fold as :func:`split_slices` made it, or ``split.csv``, those of all folds."""
    return pd.read_csv(path, dtype={"fold": str})


def check_chosen(folds: pd.DataFrame, chosen: Sequence[int]) -> None:
    """Raise UpwindError unless every case in ``chosen`` (levelset.cases) exists and every fold has
    one: a fold without would leave a cell of Table I empty."""
    unknown = sorted(set(chosen) - set(folds["case"]))
    if unknown:
        raise UpwindError(f"levelset.cases: no case {', '.join(map(str, unknown))} in the data")
    bare = sorted(set(folds["fold"]) - set(folds.loc[folds["case"].isin(chosen), "fold"]))
    if bare:
        raise UpwindError(
            f"levelset.cases: among them is no case of fold {', '.join(map(str, bare))}, so Table "
            "I would have an empty cell; add one, or set `all`"
        )


def chosen_cases(chosen: str | Sequence[int], cases: Sequence[int]) -> list[int]:
    """The cases that ``chosen`` (levelset.cases) names, whether or not there are such: ``all`` of
    ``cases``, a subset by its name (:data:`SUBSETS`), or a list."""
    if chosen == "all":
        return list(cases)
    return list(SUBSETS[chosen] if isinstance(chosen, str) else chosen)


def tuning_cases(training: Sequence[int], count: int, seed: int, fold: int) -> list[int]:
    """``count`` of a fold's training patients, by chance, in order; all where there are no more."""
    generator = np.random.default_rng([seed, fold])
    drawn = generator.choice(sorted(training), min(count, len(training)), replace=False)
    return sorted(drawn.tolist())


def unseen_cases(folds: pd.DataFrame, fold: int) -> list[int]:
    """Cases of the patients that ``fold`` does not train on."""
    return folds.loc[folds["fold"] == fold, "case"].tolist()


def slices_of(split: pd.DataFrame, fold: str, part: str) -> dict[int, np.ndarray]:
    """Slice indices by case of one ``part`` ('train' or 'heldout') of ``fold``."""
    chosen = split[(split["fold"] == fold) & (split["part"] == part)]
    return {int(case): group["slice"].to_numpy() for case, group in groups(chosen, "case")}


def first_patients(split: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """The rows of ``count`` of a fold's training patients, drawn with ``seed``: the first of one
    order, so that more patients are the same ones and others. Raises UpwindError for more than
    there are."""
    cases = sorted(split["case"].unique())
    if count > len(cases):
        raise UpwindError(
            f"{count} training patients are asked for, and the fold has {len(cases)}: lower "
            "studies.*.patients"
        )
    chosen = np.random.default_rng(seed).permutation(cases)[:count]
    return split[split["case"].isin(chosen)]
