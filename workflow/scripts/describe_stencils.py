"""What the LSN's stencils have become, fold by fold."""

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.kernels.learned_stencils import stencil_table

with logged(snakemake.log[0]):
    folds = dict(zip(snakemake.params.folds, snakemake.input.weights, strict=True))
    write_csv(snakemake.output.table, stencil_table(folds))
