"""Gather the scores of all methods and folds in one table."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged

with logged(snakemake.log[0]):
    tables = map(pd.read_csv, snakemake.input.scores)
    write_csv(snakemake.output.scores, pd.concat(tables, ignore_index=True))
