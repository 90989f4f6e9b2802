"""Gather the runs of a study, and compare its variants with each other."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.intervals import Resampling
from upwind.common.jobs import logged
from upwind.studies.tables import run_rows, summarise

with logged(snakemake.log[0]):
    params, given = snakemake.params, snakemake.input
    rows = pd.concat(
        run_rows(run, pd.read_csv(scores), pd.read_csv(curves), params.failed_below)
        for run, scores, curves in zip(params.runs, given.scores, given.curves, strict=True)
    )
    variants = list(dict.fromkeys(run["variant"] for run in params.runs))
    settings = Resampling(params.resamples, params.confidence, params.seed)
    summary = summarise(rows, variants, params.against, settings)
    write_csv(snakemake.output.runs, rows)
    write_csv(snakemake.output.table, summary)
