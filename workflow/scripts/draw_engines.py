"""All cases by every level set engine: one table and one figure."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.figures.engines import draw_engines
from upwind.figures.style import save

with logged(snakemake.log[0]):
    table = pd.concat([pd.read_csv(path) for path in snakemake.input.tables], ignore_index=True)
    write_csv(snakemake.output.csv, table)
    save(draw_engines(table), snakemake.output.png, snakemake.output.pdf)
