"""DSC of unseen patients by all weights that a training kept."""

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.studies.scores import scores_on_the_way
from upwind.training.device import use_device

with logged(snakemake.log[0]):
    params, given = snakemake.params, snakemake.input
    device = use_device(params.device, params.cpu_threads)
    scores = scores_on_the_way(given.kept, params.threshold, given.slices, params.cases, device)
    write_csv(snakemake.output.scores, scores)
