"""Keep what the methods of this run are, for tables, figures and audit."""

from upwind.common.files import write_json
from upwind.common.jobs import logged

with logged(snakemake.log[0]):
    write_json(snakemake.output.methods, dict(snakemake.params.methods))
