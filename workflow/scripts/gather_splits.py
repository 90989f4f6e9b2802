"""Gather the splits of all folds in one table, for people."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import read_split

with logged(snakemake.log[0]):
    splits = [read_split(path) for path in snakemake.input.splits]
    write_csv(snakemake.output.split, pd.concat(splits, ignore_index=True))
