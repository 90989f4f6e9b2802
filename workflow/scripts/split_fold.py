"""Split the slices of one fold's training patients."""

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import split_slices
from upwind.data.slices import read_liver_slices

with logged(snakemake.log[0]):
    split = split_slices(
        snakemake.wildcards.fold,
        dict(read_liver_slices(path) for path in snakemake.input.slices),
        snakemake.params.heldout_share,
        snakemake.params.split_seed,
    )
    write_csv(snakemake.output.split, split)
