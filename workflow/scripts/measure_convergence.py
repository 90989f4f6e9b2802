"""The level set scheme against exact solutions on finer and finer grids: errors and orders."""

import torch

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.levelset.equation.convergence import measure

with logged(snakemake.log[0]):
    torch.set_num_threads(1)
    write_csv(snakemake.output.table, measure())
