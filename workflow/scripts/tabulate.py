"""Make Table I and the extended table."""

import pandas as pd

from upwind.common.files import write_csv, write_text
from upwind.common.jobs import logged
from upwind.methods import read_methods
from upwind.tables.written import Sources, tables, texts

with logged(snakemake.log[0]):
    sources = Sources(
        scores=pd.read_csv(snakemake.input.scores),
        of_all_seeds=pd.read_csv(snakemake.input.of_all_seeds),
        verdicts=pd.read_csv(snakemake.input.verdicts),
        cases=pd.read_csv(snakemake.input.cases),
        masks=[pd.read_csv(path) for path in snakemake.input.get("masks", [])],
        methods=read_methods(snakemake.input.methods),
        failed_below=snakemake.params.failed_below,
        no_followup=snakemake.params.no_followup,
        effort=snakemake.params.effort,
    )
    made = tables(sources)
    texts_of = texts(sources, made)
    write_csv(snakemake.output.csv, made["table1"])
    write_csv(snakemake.output.extended, made["extended"])
    write_text(snakemake.output.markdown, texts_of["table1.md"])
    write_text(snakemake.output.html, texts_of["table1.html"])
    write_text(snakemake.output.latex, texts_of["table1.tex"])
    write_text(snakemake.output.extended_markdown, texts_of["extended.md"])
    write_text(snakemake.output.extended_html, texts_of["extended.html"])
