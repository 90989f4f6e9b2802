"""Table I as printed in the paper, and what does not hold in it."""

from collections.abc import Mapping

import pandas as pd

_ROWS = ("0", "1", "2", "3", "4", "avg", "avg_without_2")
# By column of Table I (Column.key of the methods); other columns have nothing published.
_COLUMNS = {
    "itk_snap": (0.736, 0.600, 0.483, 0.730, 0.643, 0.640, 0.604),
    "unet": (0.912, 0.919, 0.874, 0.895, 0.915, 0.903, 0.911),
    "lsn_test": (0.837, 0.847, 0.116, 0.827, 0.831, 0.692, 0.837),
    "lsn_validation": (0.619, 0.729, 0.005, 0.606, 0.596, 0.511, 0.638),
}

# Largest disagreement between a printed average and the mean of the printed folds that rounding
# and unequal fold sizes explain; all averages but one stay within it.
ROUNDING = 0.002


def published_table1() -> pd.DataFrame:
    """Table I of the paper: DSC, indexed by fold, columns as in ``table1.csv``."""
    return pd.DataFrame(_COLUMNS, index=pd.Index(_ROWS, name="fold"))


def arithmetic_notes(table: pd.DataFrame, headings: Mapping[str, str]) -> list[str]:
    """A sentence for each printed average that is not the mean of the folds it stands for; columns
    by their ``headings``."""
    folds = table.loc[[name for name in table.index if name.isdigit()]]
    notes = []
    for name in (n for n in table.index if not n.isdigit()):
        left_out = name.removeprefix("avg").removeprefix("_without_").split("_")
        means = folds.drop(index=[f for f in left_out if f]).mean()
        for column in table.columns:
            printed, mean = table.loc[name, column], means[column]
            if abs(printed - mean) > ROUNDING + 5e-4:
                cell = f"{headings.get(column, column)}, {name.replace('_', ' ')}"
                notes.append(
                    f"Published {cell}: printed as {printed:.3f}, but the mean of the printed "
                    f"folds is {mean:.3f}."
                )
    return notes
