"""Errors of the level set scheme against grid size, with observed and expected orders."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.convergence import draw_convergence
from upwind.figures.style import save

with logged(snakemake.log[0]):
    save(draw_convergence(pd.read_csv(snakemake.input.table)), *snakemake.output)
