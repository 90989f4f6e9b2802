"""Scores of several seeds in one table."""

from collections.abc import Collection, Iterable

import pandas as pd


def gather_seeds(
    scores: pd.DataFrame,
    seeded: Collection[str],
    first: int,
    further: Iterable[tuple[int, pd.DataFrame]],
) -> pd.DataFrame:
    """``seeds.csv``: the rows of ``scores`` (``scores.csv``), those of methods that are ``seeded``
    with ``first`` as their ``seed`` and other methods' without one, then those of each ``further``
    seed."""
    trained = scores["method"].isin(seeded)
    tables = [scores.assign(seed=trained.map({True: first, False: pd.NA}))]
    tables += [table.assign(seed=seed) for seed, table in further]
    return pd.concat(tables, ignore_index=True).astype({"seed": "Int64"})
