"""Keep the configuration that the results were made with, and what they consist of."""

import yaml

from upwind.common.files import write_json, write_text
from upwind.common.jobs import logged

with logged(snakemake.log[0]):
    text = "# The effective configuration of this experiment.\n"
    text += yaml.safe_dump(snakemake.params.config, sort_keys=False)
    write_text(snakemake.output.config, text)
    write_json(snakemake.output.results, dict(snakemake.params.results))
