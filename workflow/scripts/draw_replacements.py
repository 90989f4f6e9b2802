"""Draw what replacing the kernels of each layer does to the DSC of unseen patients."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.replacements import draw_replacements
from upwind.figures.style import save

with logged(snakemake.log[0]):
    table = pd.read_csv(snakemake.input.table, dtype={"layer": str})
    save(draw_replacements(table), snakemake.output.png, snakemake.output.pdf)
