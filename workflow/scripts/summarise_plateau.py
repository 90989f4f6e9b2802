"""Gather the trainings to a plateau, and their means at each point."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.intervals import Resampling
from upwind.common.jobs import logged
from upwind.data.folds import TRAIN, read_split, slices_of
from upwind.studies.plan import PlateauRun
from upwind.studies.plateau import plateau_rows, plateau_summary, undisturbed_seconds
from upwind.training.settings import updates_an_epoch

with logged(snakemake.log[0]):
    params, given = snakemake.params, snakemake.input
    runs = [PlateauRun(**run) for run in params.runs]
    curves = [pd.read_csv(path) for path in given.curves]
    parts = [
        slices_of(read_split(s), r.fold, TRAIN) for r, s in zip(runs, given.splits, strict=True)
    ]
    updates = [updates_an_epoch(sum(map(len, p.values())), params.batch_size) for p in parts]
    scores = map(pd.read_csv, given.scores)
    rows = pd.concat(
        (
            plateau_rows(run, table, curve, count, params.failed_below)
            for run, table, curve, count in zip(runs, scores, curves, updates, strict=True)
        ),
        ignore_index=True,
    )
    seconds = {
        name: undisturbed_seconds(
            table for run, table in zip(runs, curves, strict=True) if run.variant == name
        )
        for name in dict.fromkeys(run.variant for run in runs)
    }
    settings = Resampling(params.resamples, params.confidence, params.seed)
    write_csv(snakemake.output.runs, rows)
    summary = plateau_summary(rows, seconds, settings, params.within, params.span)
    write_csv(snakemake.output.table, summary)
