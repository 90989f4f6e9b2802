"""Bring a mask that somebody else made onto the CT's grid, as a segmentation."""

from upwind.common.jobs import logged
from upwind.data.given_masks import read_given
from upwind.data.volumes import read_grid, write_mask

with logged(snakemake.log[0]):
    grid = read_grid(snakemake.input.image)
    mask = read_given(snakemake.input.mask, grid, snakemake.params.label)
    write_mask(snakemake.output.segmentation, mask, grid)
    print(f"{int(mask.sum())} voxels", flush=True)
