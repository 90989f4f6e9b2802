"""Gather the checks of all cases; stop the run on a bad one, or leave it out."""

import json
from pathlib import Path

from upwind.common.files import write_csv, write_text
from upwind.common.jobs import logged
from upwind.data.check import CaseReport, cases_table, render, usable, with_thin, with_twins

with logged(snakemake.log[0]):
    reports = with_twins(
        CaseReport.from_dict(json.loads(Path(path).read_text())) for path in snakemake.input.reports
    )
    reports = with_thin(reports, snakemake.params.working_mm)
    print(render(reports))
    numbers = usable(reports, snakemake.params.on_bad_case)
    write_csv(snakemake.output.table, cases_table(reports))
    write_text(snakemake.output.usable, "".join(f"{number}\n" for number in numbers))
