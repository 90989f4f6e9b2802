"""The LSN's stencils before and after training."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.stencils import draw_stencils
from upwind.figures.style import save

with logged(snakemake.log[0]):
    table = pd.read_csv(snakemake.input.table, dtype={"fold": str})
    save(draw_stencils(table), *snakemake.output)
