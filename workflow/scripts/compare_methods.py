"""Compare the methods over patients."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.tables.comparison import compare

with logged(snakemake.log[0]):
    params = snakemake.params
    scores = pd.read_csv(snakemake.input.scores)
    table = compare(scores, params.resamples, params.confidence, params.seed)
    write_csv(snakemake.output.table, table)
