"""Segment one case by the level set, with a simulated operator who sees the label."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.volumes import read_volume, write_mask
from upwind.data.voxels import read_positive
from upwind.levelset.operator import OperatorSettings, operate

with logged(snakemake.log[0]):
    case = int(snakemake.wildcards.case)
    volume = read_volume(snakemake.input.image)
    liver = read_positive(snakemake.input.label, volume.grid.affine)
    settings = OperatorSettings(**snakemake.params.settings)
    result = operate(volume, liver, settings, [snakemake.params.seed, case])
    trials = pd.DataFrame(result.trials)
    trials["chosen"] = trials["trial"] == result.chosen
    write_mask(snakemake.output.segmentation, result.mask, volume.grid)
    write_csv(snakemake.output.trials, trials)
