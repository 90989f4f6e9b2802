"""Assign patients to folds."""

from pathlib import Path

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import check_chosen, chosen_cases, folds_table

with logged(snakemake.log[0]):
    numbers = [int(line) for line in Path(snakemake.input.usable).read_text().split()]
    params = snakemake.params
    folds = folds_table(numbers, params.folds, params.shuffle_seed, params.given)
    check_chosen(folds, chosen_cases(params.operated, numbers))
    write_csv(snakemake.output.folds, folds)
