"""Segment a fold's unseen patients by the level set, blind: from their CTs and what was tuned."""

import json
from pathlib import Path

from upwind.common.jobs import logged
from upwind.data.volumes import read_volume, write_mask
from upwind.levelset.itk_snap.blind import Tuned, segment_blind
from upwind.settings.levelset import BlindSettings

with logged(snakemake.log[0]):
    settings = BlindSettings(**snakemake.params.settings)
    tuned = Tuned.from_json(json.loads(Path(snakemake.input.parameters).read_text()))
    folder = Path(snakemake.output.unseen)
    for case, image in zip(snakemake.params.cases, snakemake.input.images, strict=True):
        volume = read_volume(image)
        mask = segment_blind(volume, tuned, settings)
        write_mask(folder / f"segmentation-{case}.nii.gz", mask, volume.grid)
        print(f"case {case}: {int(mask.sum())} voxels", flush=True)
