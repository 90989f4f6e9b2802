"""Are there clusters among the kernels? Layer by layer."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.kernel_cluster_tendency import draw_cluster_tendency
from upwind.figures.style import save

with logged(snakemake.log[0]):
    save(draw_cluster_tendency(pd.read_csv(snakemake.input.cluster_tendency)), *snakemake.output)
