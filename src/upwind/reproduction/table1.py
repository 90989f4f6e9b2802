"""Table I of two runs, cell by cell, beside what seeds move."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from upwind.methods import read_methods, table1_columns
from upwind.reproduction.kinds.tables import distance, number, read_table

TABLE, SCORES, METHODS = "table1.csv", "scores.csv", "methods.json"
SEEDS, SEED = "seeds.csv", "seed"

Place = tuple[str, str]  # column and row
Cells = Mapping[Place, str]


@dataclass(frozen=True)
class Spread:
    """What other seeds do to a cell: the range of its values (largest less smallest) over
    ``seeds``."""

    size: float
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class CellComparison:
    """A cell of Table I in two runs, as the files have it; ``spread`` is None where it is not
    known."""

    column: str
    row: str
    first: str
    second: str
    spread: Spread | None = None

    @property
    def name(self) -> str:
        """``unet, fold 2``."""
        return f"{self.column}, {'fold ' if self.row.isdigit() else ''}{self.row}"

    @property
    def size(self) -> float | None:
        """The distance of the values."""
        return distance(self.first, self.second)

    @property
    def within(self) -> bool:
        """Do other seeds move the cell as far, or is it the same?"""
        if self.first == self.second:
            return True
        return self.spread is not None and self.size is not None and self.size <= self.spread.size


def read_cells(folder: Path) -> Cells:
    """The cells of ``table1.csv`` in a folder of results, as it has them; none where there is no
    such table. Raises ValueError for another file of this name."""
    path = folder / TABLE
    if not path.is_file():
        return {}
    table = read_table(path)
    return {
        (column, row): cell
        for (row,), cells in table.keyed(1).items()
        for column, cell in cells.items()
        if column != table.columns[0]
    }


def compare_cells(
    first: Cells, second: Cells, spread: Mapping[Place, Spread]
) -> list[CellComparison]:
    """Every cell that either table has, row by row."""
    return [
        CellComparison(*place, first.get(place, ""), second.get(place, ""), spread.get(place))
        for place in dict.fromkeys([*first, *second])
    ]


def spread_over_seeds(folder: Path) -> dict[Place, Spread]:
    """The range of each cell of Table I over the seeds of a run, by its ``seeds.csv``; nothing for
    a run with one seed. Raises ValueError or UpwindError for results that are not whole."""
    return spread_of(tables_by_seed(folder))


def spread_of(by_seed: Mapping[int, Mapping[Place, float]]) -> dict[Place, Spread]:
    """The range of each cell that all seeds have; nothing of one seed."""
    seeds, tables = tuple(sorted(by_seed)), list(by_seed.values())
    if len(seeds) < 2:
        return {}
    places = [place for place in tables[0] if all(place in table for table in tables)]
    values = {place: [table[place] for table in tables] for place in places}
    return {place: Spread(max(of) - min(of), seeds) for place, of in values.items()}


def tables_by_seed(folder: Path) -> dict[int, dict[Place, float]]:
    """Table I of each seed alone, by ``seeds.csv``; nothing for a run with one seed. Methods
    without seeds are in none of them: they have no spread. Raises as :func:`spread_over_seeds`."""
    path = folder / SEEDS
    if not path.is_file() or SEED not in read_table(path).columns:
        return {}
    scores = [dict(cells) for cells in read_table(path).keyed(0).values()]
    columns = table1_columns(read_methods(folder / METHODS))
    rows = list(dict.fromkeys(row for _, row in read_cells(folder)))
    seeds = sorted({int(score[SEED]) for score in scores if score[SEED].isdigit()})
    found: dict[int, dict[Place, float]] = {}
    for seed in seeds:
        mine = [score for score in scores if score[SEED] == str(seed)]
        means = {
            (key, row): _mean(mine, method.key, column.subset, folds_of(row, rows))
            for key, (method, column) in columns.items()
            for row in rows
        }
        found[seed] = {place: mean for place, mean in means.items() if mean is not None}
    return found


def folds_of(row: str, rows: Sequence[str]) -> list[str]:
    """The folds that a row of Table I is the mean of."""
    if row.isdigit():
        return [row]
    left_out = row.partition("without_")[2].split("_")
    return [fold for fold in rows if fold.isdigit() and fold not in left_out]


def _mean(
    scores: Sequence[Mapping[str, str]], method: str, subset: str, folds: Sequence[str]
) -> float | None:
    """Over folds, of the means over their cases; None where a fold has no score."""
    by_fold: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        dsc = number(score["dsc"])
        if (score["method"], score["subset"]) == (method, subset) and dsc is not None:
            by_fold[score["fold"]].append(dsc)
    if not folds or not all(by_fold.get(fold) for fold in folds):
        return None
    return sum(sum(by_fold[fold]) / len(by_fold[fold]) for fold in folds) / len(folds)
