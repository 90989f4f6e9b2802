"""Draw a study: variants side by side, or DSC against the number of training patients."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.studies import draw_study
from upwind.figures.style import save

with logged(snakemake.log[0]):
    rows, summary = pd.read_csv(snakemake.input.runs), pd.read_csv(snakemake.input.table)
    figure = draw_study(rows, summary, snakemake.wildcards.study.replace("_", " "))
    save(figure, snakemake.output.png, snakemake.output.pdf)
