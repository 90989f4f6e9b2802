"""Scores of masks that are only files: no workflow, and no CT, for a label tells its own grid."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from upwind.common.errors import UpwindError
from upwind.common.progress import track
from upwind.data.given_masks import read_given
from upwind.data.grids import difference, turning
from upwind.data.naming import short_name
from upwind.data.placing import size_doubts
from upwind.data.volumes import Grid, canonical_view
from upwind.data.voxels import overclaim, read_header, read_positive, sound_grid
from upwind.scores.cases import score_unseen, scores_table
from upwind.scores.measures import TOLERANCES
from upwind.scores.pairing import Pairs, Problem
from upwind.settings.scores import Missing


@dataclass(frozen=True)
class How:
    """How masks are read and scored. ``label`` and ``mask`` are the values that are meant; by
    default all above 0 in a label, and 1 in a mask, which has no others then. ``resample`` brings
    masks on another grid to the label's by nearest neighbour; ``tolerances`` (mm) are NSD's."""

    label: Sequence[int] | None = None
    mask: Sequence[int] | None = None
    resample: bool = False
    tolerances: Sequence[float] = TOLERANCES
    missing: Missing = "refuse"


@dataclass
class Scored:
    """A table with the columns of ``scores.csv``, what could not be scored, and notes on labels
    whose sizes of voxels, and with them all mm, may be wrong."""

    table: pd.DataFrame
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def missing(self, method: str) -> int:
        """Cases that have a label and no usable mask of the method."""
        return len({p.case for p in self.problems if p.method == method and p.missing})


def score_outside(pairs: Pairs, how: How) -> Scored:
    """Score each method's mask of each label, with progress on stderr.

    Raises UpwindError, unless ``how.missing`` says otherwise, naming every problem at once: before
    anything is scored those of names and headers, and after it those of voxels that cannot be read.
    """
    problems = [*pairs.problems, *_of_headers(pairs, how)]
    _refuse(problems, how)
    unusable = {(problem.method, problem.case) for problem in problems}
    labels = {case: path for case, path in pairs.labels.items() if ("", case) not in unusable}
    scorer = _Scorer(how, unusable, problems)
    total = len(labels) * len(pairs.masks)
    rows = list(track(scorer.rows(labels, pairs), total, "scored"))
    _refuse(problems, how)
    found = [row for row in rows if row]
    if not found:
        raise UpwindError("no case of any method can be scored: " + _listed(problems))
    order = {name: place for place, name in enumerate(pairs.masks)}
    found.sort(key=lambda row: (order[str(row["method"])], row["case"]))
    return Scored(scores_table(found, how.tolerances), problems, scorer.notes)


@dataclass
class _Scorer:
    how: How
    unusable: set[tuple[str, int]]
    problems: list[Problem]
    notes: list[str] = field(default_factory=list)

    def rows(self, labels: dict[int, Path], pairs: Pairs) -> Iterator[dict[str, object] | None]:
        """A row of each method of each case, or None where there is none. A label is read once."""
        for case, path in sorted(labels.items()):
            try:
                label, grid, doubts = _read_label(path, self.how)
            except UpwindError as error:
                self.problems.append(Problem("", case, str(error)))
                yield from (None for _ in pairs.masks)
                continue
            self.notes += [f"{short_name(path)} {doubt}." for doubt in doubts]
            for method, files in pairs.masks.items():
                mask = self._mask(method, case, files.get(case), grid)
                yield None if mask is None else self._row(method, case, mask, label, grid)

    def _mask(self, method: str, case: int, path: Path | None, grid: Grid) -> np.ndarray | None:
        if path is not None and (method, case) not in self.unusable:
            try:
                return read_given(path, grid, self.how.mask, resample=self.how.resample)
            except UpwindError as error:
                self.problems.append(Problem(method, case, str(error), missing=True))
        if self.how.missing == "empty":
            return np.zeros(grid.canonical_shape, bool)
        return None

    def _row(
        self, method: str, case: int, mask: np.ndarray, label: np.ndarray, grid: Grid
    ) -> dict[str, object]:
        whole, _ = score_unseen(mask, label, grid, self.how.tolerances)
        return {"method": method, "case": case} | whole


def _read_label(path: Path, how: How) -> tuple[np.ndarray, Grid, list[str]]:
    header = read_header(path)
    grid = sound_grid(header)
    if grid is None:
        raise UpwindError(f"{path} has no grid: three axes and an affine that makes sense")
    stored = read_positive(header) if how.label is None else read_given(path, None, how.label)
    return canonical_view(stored, grid.affine), grid, size_doubts(header)


def _of_headers(pairs: Pairs, how: How) -> Iterator[Problem]:
    """What headers alone tell: in a moment, before hours of scoring."""
    for case, path in pairs.labels.items():
        grid, fault = _grid_of(path)
        if grid is None:
            yield Problem("", case, fault)
        for method, files in pairs.masks.items():
            if case not in files:
                continue
            other, fault = _grid_of(files[case])
            if other is None:
                yield Problem(method, case, fault, missing=True)
            elif grid is not None and not how.resample and turning(other, grid) is None:
                words = difference(grid, other)
                text = f"{files[case]} is on another grid than the label ({words})"
                yield Problem(method, case, f"{text}; --resample brings it there", missing=True)


def _grid_of(path: Path) -> tuple[Grid | None, str]:
    try:
        header = read_header(path)
    except UpwindError as error:
        return None, str(error)
    if fault := overclaim(header):
        return None, fault
    return sound_grid(header), f"{path} has no grid: three axes and an affine that makes sense"


def _refuse(problems: Sequence[Problem], how: How) -> None:
    if problems and how.missing == "refuse":
        raise UpwindError(
            f"nothing is written, for these cannot be scored:\n{_listed(problems)}\n"
            "Mend them; or give --missing skip, which leaves them out, or --missing empty, which "
            "takes a mask that is not there for one that found nothing."
        )


def _listed(problems: Iterable[Problem]) -> str:
    return "\n".join(f"  - {problem}" for problem in problems)
