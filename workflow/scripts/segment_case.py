"""Segment one case by a method without training."""

from upwind.common.jobs import logged
from upwind.data.volumes import read_volume, write_mask
from upwind.segmentation.segmenter import segment_volume, segmenter_named

with logged(snakemake.log[0]):
    segment = segmenter_named(snakemake.params.segment)
    volume = read_volume(snakemake.input.image)
    mask = segment_volume(segment, volume, snakemake.params.settings)
    write_mask(snakemake.output.segmentation, mask, volume.grid)
    print(f"{int(mask.sum())} voxels", flush=True)
