"""DSC of a study's network on the patients that its fold leaves out."""

from dataclasses import replace

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.networks.weights import load_weights
from upwind.studies.scores import unseen_scores
from upwind.training.device import use_device

with logged(snakemake.log[0]):
    params = snakemake.params
    device = use_device(params.device, params.cpu_threads)
    network, recipe = load_weights(snakemake.input.weights, diverged=True)
    recipe = replace(recipe, threshold=params.threshold)
    scores = unseen_scores(
        network, recipe, snakemake.input.slices, params.cases, device, params.postprocess
    )
    write_csv(snakemake.output.scores, scores)
