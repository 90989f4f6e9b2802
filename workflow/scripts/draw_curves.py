"""Training curves of each run, and of all folds side by side."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.curves import draw_all_curves, draw_curves
from upwind.figures.style import save
from upwind.methods import read_methods, title

with logged(snakemake.log[0]):
    threshold = snakemake.params.failed_below
    curves = {
        run: pd.read_csv(path)
        for run, path in zip(map(tuple, snakemake.params.runs), snakemake.input.curves, strict=True)
    }
    methods = read_methods(snakemake.input.methods)
    for (method, fold), path in zip(curves, snakemake.output.runs, strict=True):
        name = title(methods, method, fold)
        save(draw_curves(curves[method, fold], name, threshold), path)
    by_fold = [
        frame.assign(method=method, fold=int(fold))
        for (method, fold), frame in curves.items()
        if fold != "all"
    ]
    figure = draw_all_curves(pd.concat(by_fold, ignore_index=True), methods, threshold)
    save(figure, snakemake.output.pdf, snakemake.output.png)
