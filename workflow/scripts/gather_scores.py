"""Gather the scores of all methods and folds in one table."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged

with logged(snakemake.log[0]):
    files = [*snakemake.input.level_sets, *snakemake.input.networks]
    write_csv(snakemake.output.scores, pd.concat(map(pd.read_csv, files), ignore_index=True))
