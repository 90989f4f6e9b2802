"""Are there clusters among the kernels? Layer by layer."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.kernel_cluster_tendency import draw_cluster_tendency
from upwind.figures.style import save

with logged(snakemake.log[0]):
    tendency, tests = (
        pd.read_csv(path)
        for path in (snakemake.input.cluster_tendency, snakemake.input.cluster_tests)
    )
    save(draw_cluster_tendency(tendency, tests), *snakemake.output)
