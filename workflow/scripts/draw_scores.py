"""DSC of every patient, method by method."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.scores import draw_scores
from upwind.figures.style import save
from upwind.methods import read_methods
from upwind.tables.published import published_table1

with logged(snakemake.log[0]):
    scores = pd.read_csv(snakemake.input.scores)
    methods = read_methods(snakemake.input.methods)
    drawn = draw_scores(scores, methods, published_table1(), snakemake.params.data)
    save(drawn, *snakemake.output)
