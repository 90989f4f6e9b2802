"""Set our UNet beside that of the authors' follow-up, patient by patient."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.tables.followup import followup_table, summarise

with logged(snakemake.log[0]):
    params = snakemake.params
    on_grid = dict(zip(params.methods, map(pd.read_csv, snakemake.input.on_grid), strict=True))
    table = followup_table(pd.read_csv(snakemake.input.scores), params.methods, on_grid)
    write_csv(snakemake.output.table, table)
    summary = summarise(table, params.resamples, params.confidence, params.seed)
    write_csv(snakemake.output.summary, summary)
