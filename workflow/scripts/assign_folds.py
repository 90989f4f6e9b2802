"""Assign patients to folds and split the slices of each fold's training patients."""

from pathlib import Path

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import assign_folds, check_chosen, split_slices
from upwind.data.slices import read_liver_slices

with logged(snakemake.log[0]):
    numbers = [int(line) for line in Path(snakemake.input.usable).read_text().split()]
    folds = assign_folds(numbers, snakemake.params.folds, snakemake.params.shuffle_seed)
    if snakemake.params.operated != "all":
        check_chosen(folds, snakemake.params.operated)
    split = split_slices(
        folds,
        dict(read_liver_slices(path) for path in snakemake.input.slices),
        snakemake.params.heldout_share,
        snakemake.params.split_seed,
    )
    write_csv(snakemake.output.folds, folds)
    write_csv(snakemake.output.split, split)
