"""Resample the slices of one case for the networks."""

from upwind.common.jobs import logged
from upwind.data.slices import slice_case, write_slices

with logged(snakemake.log[0]):
    slices = slice_case(
        int(snakemake.wildcards.case),
        snakemake.input.image,
        snakemake.input.label,
        snakemake.params.image_size,
    )
    write_slices(snakemake.output.slices, slices)
