"""DSC of every patient, method by method."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.scores import draw_scores
from upwind.figures.style import save
from upwind.tables.published import published_table1
from upwind.tables.table1 import TABLE1_COLUMNS

with logged(snakemake.log[0]):
    scores = pd.read_csv(snakemake.input.scores)
    published = published_table1(list(TABLE1_COLUMNS))
    save(draw_scores(scores, published), snakemake.output.png)
