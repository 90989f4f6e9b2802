"""Score the blind level set's segmentations of all folds."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import unseen_cases
from upwind.scores.cases import scores_table
from upwind.scores.folds import unseen_rows
from upwind.scores.raw import RawCases

with logged(snakemake.log[0]):
    operated = snakemake.params.cases
    raw = RawCases.of(operated, snakemake.input.images, snakemake.input.labels)
    folds = pd.read_csv(snakemake.input.folds)
    rows = []
    for fold, folder in zip(snakemake.params.folds, snakemake.input.segmentations, strict=True):
        unseen = [case for case in unseen_cases(folds, int(fold)) if case in operated]
        key = {"method": "itk_snap_blind", "fold": fold}
        rows += [key | row for row in unseen_rows(folder, unseen, raw)]
    write_csv(snakemake.output.scores, scores_table(rows))
