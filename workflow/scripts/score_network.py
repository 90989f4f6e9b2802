"""Score one network's segmentations of one fold."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import HELDOUT, read_split, slices_of, unseen_cases
from upwind.scores.cases import scores_table
from upwind.scores.folds import heldout_rows, unseen_rows
from upwind.scores.raw import RawCases

with logged(snakemake.log[0]):
    fold, tolerances = snakemake.wildcards.fold, snakemake.params.tolerances
    raw = RawCases.of(snakemake.params.cases, snakemake.input.images, snakemake.input.labels)
    unseen = unseen_cases(pd.read_csv(snakemake.input.folds), int(fold))
    heldout = slices_of(read_split(snakemake.input.split), fold, HELDOUT)
    rows = [
        *unseen_rows(snakemake.input.unseen, unseen, raw, tolerances),
        *heldout_rows(snakemake.input.heldout, heldout, raw),
    ]
    about = {"method": snakemake.wildcards.network, "fold": fold}
    table = scores_table((about | row for row in rows), tolerances)
    write_csv(snakemake.output.scores, table)
