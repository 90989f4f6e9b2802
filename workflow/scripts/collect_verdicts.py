"""Gather which runs trained and which failed."""

import json
from pathlib import Path

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged

with logged(snakemake.log[0]):
    rows = [
        {"method": method, "fold": fold} | json.loads(Path(path).read_text())
        for (method, fold), path in zip(
            snakemake.params.runs, snakemake.input.verdicts, strict=True
        )
    ]
    write_csv(snakemake.output.table, pd.DataFrame(rows))
