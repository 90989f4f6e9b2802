"""Bring the volumes to the version that their DVC pointer names."""

from pathlib import Path

from upwind.common.jobs import logged
from upwind.versions.pull import pull_data
from upwind.versions.volumes import write_volumes

with logged(snakemake.log[0]):
    volumes = pull_data(Path(snakemake.input.pointer), snakemake.params.kind)
    write_volumes(snakemake.output.table, volumes)
