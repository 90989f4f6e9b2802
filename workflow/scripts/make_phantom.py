"""Make one patient of the phantom."""

from upwind.common.jobs import logged
from upwind.phantom.write import write_patient

with logged(snakemake.log[0]):
    write_patient(
        int(snakemake.wildcards.case),
        snakemake.params.seed,
        snakemake.output.volume,
        snakemake.output.segmentation,
    )
