"""Score a method's segmentations of unseen patients, all folds."""

from pathlib import Path

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import unseen_cases
from upwind.scores.cases import scores_table
from upwind.scores.folds import unseen_rows
from upwind.scores.raw import RawCases

with logged(snakemake.log[0]):
    key, numbers = snakemake.wildcards.method, snakemake.params.cases
    raw = RawCases.of(numbers, snakemake.input.images, snakemake.input.labels)
    folds = pd.read_csv(snakemake.input.folds)
    rows, tolerances = [], snakemake.params.tolerances
    for fold in sorted(folds["fold"].unique()):
        unseen = [case for case in unseen_cases(folds, fold) if case in numbers]
        folder = Path(snakemake.params.masks.format(fold=fold, case=0)).parent
        scored = unseen_rows(folder, unseen, raw, tolerances)
        rows += [{"method": key, "fold": fold} | row for row in scored]
    write_csv(snakemake.output.scores, scores_table(rows, tolerances))
