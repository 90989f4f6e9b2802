"""DSC of the UNet's unseen patients on the grid of the authors' follow-up."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import unseen_cases
from upwind.scores.raw import RawCases
from upwind.tables.followup import scores_on_grid

with logged(snakemake.log[0]):
    numbers = snakemake.params.cases
    raw = RawCases.of(numbers, snakemake.input.images, snakemake.input.labels)
    folds = pd.read_csv(snakemake.input.folds)
    parts = []
    for fold in sorted(folds["fold"].unique()):
        masks = snakemake.params.masks.replace("{fold}", str(fold))
        unseen = [case for case in unseen_cases(folds, fold) if case in numbers]
        parts.append(scores_on_grid(masks, unseen, raw))
    write_csv(snakemake.output.scores, pd.concat(parts, ignore_index=True))
