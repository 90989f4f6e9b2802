"""Put the slices that were made from versioned volumes under DVC."""

from pathlib import Path

from upwind.common.jobs import logged
from upwind.versions.slices import track_slices

with logged(snakemake.log[0]):
    files = [Path(path) for path in snakemake.input.slices]
    print(track_slices(files[0].parent, files))
