"""DSC of unseen patients with the kernels of a UNet's layers replaced, one layer at a time."""

from dataclasses import replace
from functools import partial

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.kernels.replacements import REPLACEMENTS
from upwind.networks.weights import load_weights
from upwind.studies.replacements import (
    check_start,
    exchanges,
    kernels_before_training,
    kernels_of,
    replacement_scores,
)
from upwind.training.device import use_device

with logged(snakemake.log[0]):
    params, fold = snakemake.params, snakemake.wildcards.fold
    replacement = partial(REPLACEMENTS[snakemake.wildcards.replacement], **params.options)
    device = use_device(params.device, params.cpu_threads)
    network, recipe = load_weights(snakemake.input.weights, diverged=True)
    recipe = replace(recipe, threshold=params.threshold)
    weights = kernels_of(network, snakemake.input.weights)
    start = kernels_before_training(recipe, params.training_seed)
    if snakemake.wildcards.replacement == "initial":
        check_start(weights, start, snakemake.input.weights, params.training_seed)
    seeds = (params.seed, int(fold))
    replaced = exchanges(weights, start, replacement, params.draws, seeds, params.together)
    slices, cases = snakemake.input.slices, params.cases
    scores = replacement_scores(network, recipe, slices, cases, device, replaced)
    scores.insert(0, "replacement", snakemake.wildcards.replacement)
    scores.insert(1, "fold", fold)
    write_csv(snakemake.output.scores, scores)
