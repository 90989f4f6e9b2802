"""Segment one case by the level set, with a simulated operator who sees the label."""

from pathlib import Path

import pandas as pd

from upwind.common.errors import about
from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.labels import read_liver
from upwind.data.volumes import read_volume, write_mask
from upwind.levelset.itk_snap.journal import Journal
from upwind.levelset.itk_snap.operator import operate
from upwind.provenance.hashing import sha256_of
from upwind.settings.levelset import OperatorSettings

with logged(snakemake.log[0]):
    case, params = int(snakemake.wildcards.case), snakemake.params
    volume = read_volume(snakemake.input.image)
    liver = read_liver(snakemake.input.label, volume.grid)
    settings, seed = OperatorSettings(**params.settings), [params.seed, case]
    parts = {"settings": dict(params.settings) | {"trials": None}, "seed": seed}
    parts |= {"code": params.code}
    parts |= {"data": [sha256_of(path) for path in (snakemake.input.image, snakemake.input.label)]}
    # Not an output: Snakemake must not delete what a killed job has tried.
    folder = Path("checkpoints", snakemake.config["experiment"], f"itk_snap-{case}")
    with about(f"case {case}"):
        result = operate(volume, liver, settings, seed, journal=Journal(folder, parts))
    write_mask(snakemake.output.segmentation, result.mask, volume.grid)
    write_csv(snakemake.output.trials, pd.DataFrame(result.trials))
