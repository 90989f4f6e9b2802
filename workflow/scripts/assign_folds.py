"""Assign patients to folds."""

from pathlib import Path

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import assign_folds, check_chosen, chosen_cases

with logged(snakemake.log[0]):
    numbers = [int(line) for line in Path(snakemake.input.usable).read_text().split()]
    folds = assign_folds(numbers, snakemake.params.folds, snakemake.params.shuffle_seed)
    check_chosen(folds, chosen_cases(snakemake.params.operated, numbers))
    write_csv(snakemake.output.folds, folds)
