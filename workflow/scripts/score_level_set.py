"""Score the level set's segmentations of all cases."""

from pathlib import Path

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.scores.cases import scores_table
from upwind.scores.folds import unseen_rows
from upwind.scores.raw import RawCases

with logged(snakemake.log[0]):
    numbers = snakemake.params.cases
    raw = RawCases.of(numbers, snakemake.input.images, snakemake.input.labels)
    fold_of = pd.read_csv(snakemake.input.folds).set_index("case")["fold"]
    folder = Path(snakemake.input.segmentations[0]).parent
    rows = unseen_rows(folder, numbers, raw)
    table = scores_table({"method": "itk_snap", "fold": fold_of[r["case"]]} | r for r in rows)
    write_csv(snakemake.output.scores, table)
