"""Finite difference content and nearest hand-crafted kernels, layer by layer."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.kernel_content import draw_content, draw_nearest
from upwind.figures.style import save

with logged(snakemake.log[0]):
    paths, made = snakemake.input, snakemake.output
    save(draw_content(pd.read_csv(paths.content)), made.pdf, made.png)
    save(draw_nearest(pd.read_csv(paths.shares)), made.nearest_pdf, made.nearest)
