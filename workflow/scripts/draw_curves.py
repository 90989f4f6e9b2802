"""Training curves of one run."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.curves import draw_curves
from upwind.figures.style import save

with logged(snakemake.log[0]):
    curves = pd.read_csv(snakemake.input.curves)
    w = snakemake.wildcards
    figure = draw_curves(curves, w.network, w.fold, snakemake.params.failed_below)
    save(figure, snakemake.output.png)
