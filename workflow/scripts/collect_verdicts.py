"""Judge every run by its curves: which trained, and which failed to."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.training.verdict import verdict

with logged(snakemake.log[0]):
    runs = zip(snakemake.params.runs, snakemake.input.curves, strict=True)
    rows = [
        {"method": method, "fold": fold} | verdict(pd.read_csv(path), snakemake.params.failed_below)
        for (method, fold), path in runs
    ]
    write_csv(snakemake.output.table, pd.DataFrame(rows))
