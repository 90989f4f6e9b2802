"""Tables of several networks, and how they are written."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from upwind.common.files import atomic_path
from upwind.kernels.layers import Layer

Networks = Mapping[str, Sequence[Layer]]
Tables = dict[str, pd.DataFrame]
# As many as the weights' single precision holds; every digit would double the files.
_DIGITS = "%.7g"


def stacked(tables: Tables) -> pd.DataFrame:
    """One table with the tables' names as first column, ``network``."""
    named = [table.assign(network=name) for name, table in tables.items() if len(table)]
    table = pd.concat(named, ignore_index=True)
    return table[["network", *(name for name in table if name != "network")]]


def write_tables(tables: Tables, folder: str | os.PathLike[str]) -> None:
    """Write each table as NAME.csv in ``folder``, with seven significant digits."""
    for name, table in tables.items():
        with atomic_path(Path(folder) / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format=_DIGITS)
