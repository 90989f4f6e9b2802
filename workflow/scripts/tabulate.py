"""Make Table I and the extended table."""

import pandas as pd

from upwind.common.files import write_csv, write_text
from upwind.common.intervals import Resampling
from upwind.common.jobs import logged
from upwind.methods import read_methods
from upwind.tables import extended
from upwind.tables.followup_plan import absence_note
from upwind.tables.table1 import (
    coverage_notes,
    failed_folds,
    failed_notes,
    left_out_notes,
    mask_notes,
    table1,
    to_html,
    to_latex,
    to_markdown,
)

with logged(snakemake.log[0]):
    verdicts = pd.read_csv(snakemake.input.verdicts)
    scores = pd.read_csv(snakemake.input.scores)
    failed = failed_folds(verdicts)
    methods = read_methods(snakemake.input.methods)
    table = table1(scores, methods, failed)
    wider = extended.extended_table(scores, methods, failed)
    of_all_seeds = pd.read_csv(snakemake.input.of_all_seeds)
    spread = extended.spread(of_all_seeds, methods, Resampling(**snakemake.params.effort))
    notes = failed_notes(verdicts, methods, snakemake.params.failed_below)
    notes += coverage_notes(scores, methods)
    notes += left_out_notes(pd.read_csv(snakemake.input.cases))
    for masks in snakemake.input.get("masks", []):
        notes += mask_notes(pd.read_csv(masks), methods)
    write_csv(snakemake.output.csv, table)
    write_text(snakemake.output.markdown, to_markdown(table, methods, notes))
    write_text(snakemake.output.html, to_html(table, methods, notes))
    write_text(snakemake.output.latex, to_latex(table, methods, notes))
    if snakemake.params.no_followup:
        notes += [absence_note(snakemake.params.no_followup)]
    write_csv(snakemake.output.extended, wider)
    write_text(
        snakemake.output.extended_markdown, extended.to_markdown(wider, methods, spread, notes)
    )
    write_text(snakemake.output.extended_html, extended.to_html(wider, methods, spread, notes))
