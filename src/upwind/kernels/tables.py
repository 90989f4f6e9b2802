"""Tables of several networks, and how they are written."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
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


def kernel_table(layers: Iterable[Layer], measure: Callable[[Layer], pd.DataFrame]) -> pd.DataFrame:
    """What ``measure`` says of each kernel of a layer, one row each, for all ``layers``, with
    ``layer`` and ``kernel`` (their numbers) as first columns."""
    parts = []
    for layer in layers:
        table = measure(layer)
        table.insert(0, "layer", layer.number)
        table.insert(1, "kernel", layer.numbers)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def write_tables(tables: Tables, folder: str | os.PathLike[str]) -> None:
    """Write each table as NAME.csv in ``folder``, with seven significant digits."""
    for name, table in tables.items():
        with atomic_path(Path(folder) / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format=_DIGITS)
