"""Every score, slice and fold made again from the volumes: what ``upwind audit --deep`` adds.

Folds and splits follow the paper's rule from the lists of cases and slices; each case's scores and
slices are made again in :mod:`upwind.audit.recomputed.cases`, which states the tolerances.
"""

import csv
import io
import json
import multiprocessing
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813

from upwind.audit.findings import Checked, Finding, FindingKind, unchecked
from upwind.audit.recomputed.cases import Remade, Task, remake
from upwind.audit.recomputed.numbers import SCORES, SEEDS, Results, further_rows, run_checks
from upwind.audit.recomputed.tensors import read_tensors
from upwind.common.progress import track

_WHOLE = ("unseen", "unseen_liver")  # subsets that are about a patient's whole volume
_MASKS = "masks.csv"  # which masks that somebody else made could be used
# Cases of the level set that configurations name by a name: those of the authors' code.
_NAMED = {
    "paper21": (
        *(3, 9, 19, 23, 24, 25, 36, 37, 44, 49, 50, 75, 76, 77, 88, 95, 96, 101, 103, 122, 128),
    )
}  # fmt: skip


def recompute(results: Results, raw: Mapping[int, tuple[Path, Path]], jobs: int = 1) -> Checked:
    """Everything that follows from the raw volumes ``raw`` (image and label by case), the stored
    segmentations and slices. ``jobs`` cases are worked on at a time."""
    return Checked.all_of(
        [
            run_checks(
                results,
                [
                    ("folded_cases", "folds.csv", ("cases.txt",), _folds),
                    ("split_slices", "split.csv", ("folds.csv", "slices/*.safetensors"), _split),
                    (
                        "score_rows",
                        "scores.csv",
                        ("folds.csv", "split.csv", "methods.json"),
                        _complete,
                    ),
                ],
            ),
            _cases(results, raw, jobs),
        ]
    )


def _folds(results: Results) -> Iterator[Finding | int]:
    """Each case in the fold of the configuration's rule, or of the file that it names."""
    numbers = sorted(int(line) for line in (results.folder / "cases.txt").read_text().split())
    folds, seed = results.config["folds"], results.config["fold_shuffle_seed"]
    if isinstance(folds, str):
        # A relative path starts from the folder that the workflow ran in, above `results`.
        path = results.folder.absolute().parents[1] / folds
        if not path.is_file():
            message = f"cases were not put into folds again: {folds} is not here"
            remedy = "audit with --deep where the file is"
            yield unchecked(FindingKind.number, results.name("folds.csv"), message, remedy)
            return
        given = _in_file(path.read_text(encoding="utf-8-sig"))
        expected = {case: fold for case, fold in given.items() if case in numbers}
    else:
        expected = _in_blocks(numbers, int(folds), seed)
    rows = {int(row["case"]): int(row["fold"]) for row in results.rows("folds.csv")}
    for case in sorted(rows.keys() ^ expected.keys()):
        yield results.number("folds.csv", f"case {case} is there or in cases.txt, not in both")
    for case in sorted(rows.keys() & expected.keys()):
        if rows[case] != expected[case]:
            message = (
                f"case {case} is in fold {rows[case]} there and in {expected[case]} by the rule"
            )
            yield results.number("folds.csv", message)
        yield 1


def _in_blocks(numbers: list[int], count: int, seed: int | None) -> dict[int, int]:
    """Contiguous blocks of the cases in order, the first ones larger by one where they must be."""
    order: Iterable[int] = range(len(numbers))
    if seed is not None:
        order = np.random.default_rng(seed).permutation(len(numbers)).tolist()
    least, larger = divmod(len(numbers), count)
    blocks = [fold for fold in range(count) for _ in range(least + (fold < larger))]
    return {numbers[index]: fold for index, fold in zip(order, blocks, strict=True)}


def _in_file(text: str) -> dict[int, int]:
    """Folds of a CSV (case, fold), or of nnU-Net's JSON, in which names end in case numbers."""
    if text.lstrip().startswith("["):
        named = [(name, fold) for fold, part in enumerate(json.loads(text)) for name in part["val"]]
    else:
        named = [(row["case"], int(row["fold"])) for row in csv.DictReader(io.StringIO(text))]
    return {int(re.findall(r"\d+", str(name))[-1]): fold for name, fold in named}


def _split(results: Results) -> Iterator[Finding | int]:
    """Slices of each fold's training patients, shuffled, the first share of them held out."""
    fold_of = {int(row["case"]): row["fold"] for row in results.rows("folds.csv")}
    liver = {case: _liver_slices(results.folder, case) for case in sorted(fold_of)}
    share, seed = results.config["heldout_share"], results.config["split_seed"]
    parts: defaultdict[str, dict[tuple[int, int], str]] = defaultdict(dict)
    for row in results.rows("split.csv"):
        parts[row["fold"]][int(row["case"]), int(row["slice"])] = row["part"]
    for fold in [*sorted(set(fold_of.values()), key=int), "all"]:
        slices = [(case, z) for case, z in _listed(liver) if fold_of[case] != fold]
        order = np.random.default_rng(seed).permutation(len(slices))
        held = {slices[i] for i in order[: max(1, round(share * len(slices)))]}
        expected = {key: "heldout" if key in held else "train" for key in slices}
        wrong = sum(
            1 for key in parts[fold].keys() | expected if _differ(key, parts[fold], expected)
        )
        if wrong:
            message = (
                f"fold {fold}: {wrong} slices are in another part than by the rule, or in none"
            )
            yield results.number("split.csv", message)
        yield len(slices)


def _differ(key: tuple[int, int], one: Mapping[Any, str], other: Mapping[Any, str]) -> bool:
    return one.get(key) != other.get(key)


def _listed(liver: Mapping[int, list[int]]) -> Iterator[tuple[int, int]]:
    return ((case, z) for case, slices in liver.items() for z in slices)


def _liver_slices(folder: Path, case: int) -> list[int]:
    tensors = read_tensors(folder / f"slices/case-{case}.safetensors")
    return np.flatnonzero(tensors["liver_bearing"]).tolist()


def _complete(results: Results) -> Iterator[Finding | int]:
    """A row for every patient that a fold did not train on, and every one with held-out slices."""
    fold_of = {row["case"]: row["fold"] for row in results.rows("folds.csv")}
    chosen = results.config["levelset"]["cases"]
    listed = _NAMED.get(chosen, ()) if isinstance(chosen, str) else chosen
    operated = [case for case in fold_of if chosen == "all" or int(case) in listed]
    held = {(r["fold"], r["case"]) for r in results.rows("split.csv") if r["part"] == "heldout"}
    expected = set()
    for method in results.methods:
        key, some = method["key"], method["cases"]
        cases: Iterable[str] = operated if some == "levelset.cases" else fold_of
        if some == _MASKS:
            owner = method["of"] or key
            there = results.rows(_MASKS)
            usable = {r["case"] for r in there if r["method"] == owner and r["usable"] == "True"}
            cases = [case for case in fold_of if case in usable]
        whole = ((case, s) for case in cases for s in _WHOLE)
        expected |= {(key, fold_of[case], case, subset) for case, subset in whole}
        if "heldout" in method["subsets"]:
            expected |= {(key, fold, case, "heldout") for fold, case in held if fold != "all"}
    found = Counter(_key(row) for row in results.rows("scores.csv"))
    for key in sorted(found.keys() | expected):
        if found[key] != (key in expected):
            message = (
                f"{' '.join(key)}: {found[key]} rows there, {int(key in expected)} by folds.csv"
            )
            yield results.number("scores.csv", f"{message} and split.csv")
    yield len(expected)


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return row["method"], row["fold"], row["case"], row["subset"]


def _cases(results: Results, raw: Mapping[int, tuple[Path, Path]], jobs: int) -> Checked:
    tables = ("cases.csv", "folds.csv", "split.csv", "scores.csv", "methods.json")
    if any(results.name(path) in results.distrusted for path in tables):
        return Checked()
    further: dict[int, list[dict[str, str]]] = defaultdict(list)
    for row in further_rows(results) if results.name(SEEDS) not in results.distrusted else ():
        further[int(row["case"])].append(row)
    tasks: list[int] = []
    gone: list[int] = []
    for case in sorted({int(row["case"]) for row in results.rows("folds.csv")}):
        here = case in raw and all(path.is_file() for path in raw[case])
        (tasks if here else gone).append(case)
    findings: list[Finding] = []
    counts: Counter[str] = Counter()
    if gone:
        message = f"{len(gone)} cases were not scored again: their volumes are not here"
        remedy = "audit with --deep where the volumes are"
        findings.append(unchecked(FindingKind.number, results.name("scores.csv"), message, remedy))
    work = _worked_on([_task(results, case, *raw[case], further[case]) for case in tasks], jobs)
    images: defaultdict[str, list[int]] = defaultdict(list)
    for case, remade in zip(tasks, track(work, len(tasks), "cases made again"), strict=True):
        findings += [results.number(path, message) for path, message in remade.wrong]
        counts.update(remade.counts)
        images[remade.image].append(case)
    findings += _twins(results, images)
    return Checked(tuple(findings), dict(counts))


def _twins(results: Results, images: Mapping[str, list[int]]) -> Iterator[Finding]:
    """Cases that folds tell apart and whose image is the same."""
    for image, cases in images.items():
        if image and len(cases) > 1:
            message = f"cases {', '.join(map(str, cases))} are one patient: their images are the"
            yield results.number("cases.csv", f"{message} same, voxel by voxel")


def _task(
    results: Results, case: int, image: Path, label: Path, further: list[dict[str, str]]
) -> Task:
    heldout = defaultdict(list)
    for row in results.rows("split.csv"):
        if int(row["case"]) == case and row["part"] == "heldout":
            heldout[row["fold"]].append(int(row["slice"]))
    rows = [(SCORES, row) for row in results.rows(SCORES) if int(row["case"]) == case]
    rows += [(SEEDS, row) for row in further]
    patterns = {method["key"]: method["masks"] for method in results.methods}
    # Of a further seed the folder of a fold is named FOLD-SEED.
    masks = [
        patterns[row["method"]][row["subset"]].format(
            case=row["case"],
            fold=row["fold"] if table == SCORES else f"{row['fold']}-{row['seed']}",
        )
        for table, row in rows
    ]
    return Task(
        case=case,
        image=image,
        label=label,
        folder=results.folder,
        slices=f"slices/case-{case}.safetensors",
        report=next(row for row in results.rows("cases.csv") if int(row["case"]) == case),
        scores=[
            (table, row, mask)
            for (table, row), mask in zip(rows, masks, strict=True)
            if results.name(mask) not in results.distrusted
        ],
        tolerances=results.config["scores"]["nsd_tolerances_mm"],
        heldout=dict(heldout),
        liver_mm=_liver_mm(results, case),
    )


def _liver_mm(results: Results, case: int) -> str | None:
    """How thick the liver is by the case's own report; None where that is distrusted."""
    path = f"cases/case-{case}.json"
    if results.name(path) in results.distrusted:
        return None
    return str(json.loads(results.text(path))["liver_mm"])


def _worked_on(tasks: list[Task], jobs: int) -> Iterator[Remade]:
    if jobs == 1:
        yield from map(remake, tasks)
        return
    # Fresh processes: ITK's and NumPy's threads do not survive a fork.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=fresh, initializer=_alone) as pool:
        yield from pool.map(remake, tasks)


def _alone() -> None:
    """One thread a process: the cases are spread over the cores already."""
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
