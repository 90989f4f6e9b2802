"""Draw our UNet beside that of the authors' follow-up."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.followup import draw_followup
from upwind.figures.style import save
from upwind.tables.followup import messages

with logged(snakemake.log[0]):
    table, summary = (
        pd.read_csv(path) for path in (snakemake.input.table, snakemake.input.summary)
    )
    figure = draw_followup(table, messages(summary, snakemake.params.confidence))
    save(figure, snakemake.output.pdf, snakemake.output.png)
