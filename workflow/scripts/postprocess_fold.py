"""Post-process a method's segmentations of a fold's unseen patients."""

from pathlib import Path

from upwind.common.jobs import logged
from upwind.segmentation.postprocessing import postprocess_file, segmentations_in

with logged(snakemake.log[0]):
    folder = Path(snakemake.output.unseen)
    folder.mkdir(parents=True, exist_ok=True)  # also where the fold has no patient
    for path in segmentations_in(snakemake.input.segmentations):
        before, after = postprocess_file(path, folder / path.name, snakemake.params.postprocess)
        print(f"{path.name}: {after} of {before} voxels", flush=True)
