"""Training curves of every network and fold."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.curves import draw_all_curves
from upwind.figures.style import save

with logged(snakemake.log[0]):
    runs = zip(snakemake.params.runs, snakemake.input.curves, strict=True)
    frames = [pd.read_csv(p).assign(method=method, fold=fold) for (method, fold), p in runs]
    figure = draw_all_curves(pd.concat(frames, ignore_index=True), snakemake.params.failed_below)
    save(figure, snakemake.output.png)
