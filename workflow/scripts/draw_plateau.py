"""Draw DSC against updates and seconds."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.plateau import draw_plateau
from upwind.figures.style import save

with logged(snakemake.log[0]):
    figure = draw_plateau(pd.read_csv(snakemake.input.table))
    save(figure, snakemake.output.png, snakemake.output.pdf)
