"""Mark the folder of the volumes as the phantom's own."""

from upwind.common.files import write_text
from upwind.common.jobs import logged

with logged(snakemake.log[0]):
    write_text(
        snakemake.output.marker,
        "The CT volumes in this folder are made by upwind's phantom and may be made anew.\n",
    )
