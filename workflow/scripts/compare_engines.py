"""One case by every level set engine, from the same speed image and the same bubble."""

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.labels import read_liver
from upwind.data.volumes import read_volume
from upwind.levelset.comparison import compare
from upwind.settings.levelset import OperatorSettings

# Each engine runs in a process of its own, which begins by importing this file.
if __name__ == "__main__":
    with logged(snakemake.log[0]):
        case = int(snakemake.wildcards.case)
        volume = read_volume(snakemake.input.image)
        liver = read_liver(snakemake.input.label, volume.grid)
        rows = compare(case, volume, liver, OperatorSettings(**snakemake.params.settings))
        write_csv(snakemake.output.table, pd.DataFrame(rows))
