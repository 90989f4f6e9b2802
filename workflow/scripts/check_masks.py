"""Look at all masks that somebody else made; stop the run for a bad one, or leave it out."""

from pathlib import Path

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.given_masks import (
    check_every_fold,
    check_masks,
    left_out,
    masks_table,
    refuse_unusable,
)

with logged(snakemake.log[0]):
    params = snakemake.params
    images = dict(zip(params.cases, map(Path, snakemake.input.images), strict=True))
    masks = check_masks(params.methods, images)
    print("\n".join(left_out(masks)))
    if params.on_bad_case == "stop":
        refuse_unusable(masks)
    check_every_fold(masks, pd.read_csv(snakemake.input.folds))
    write_csv(snakemake.output.table, masks_table(masks))
