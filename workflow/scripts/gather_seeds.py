"""Gather the scores of all seeds in one table."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.scores.seeds import gather_seeds

with logged(snakemake.log[0]):
    params = snakemake.params
    further = list(zip(params.seeds, map(pd.read_csv, snakemake.input.further), strict=True))
    first = pd.read_csv(snakemake.input.scores)
    table = gather_seeds(first, params.seeded, params.first, further)
    write_csv(snakemake.output.table, table)
