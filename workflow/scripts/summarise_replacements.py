"""Gather the scores of all replacements and folds: every patient, and one row a layer."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.studies.replacement_tables import summarise_replacements

with logged(snakemake.log[0]):
    params = snakemake.params
    rows = pd.concat(pd.read_csv(path, dtype={"layer": str}) for path in snakemake.input.scores)
    summary = summarise_replacements(rows, params.resamples, params.confidence, params.seed)
    write_csv(snakemake.output.runs, rows)
    write_csv(snakemake.output.table, summary)
