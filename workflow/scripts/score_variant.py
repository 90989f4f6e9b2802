"""DSC of a study's network on the patients that its fold leaves out, by its last weights and by
their average."""

from dataclasses import replace

import pandas as pd

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.networks.weights import load_weights
from upwind.settings.training import READINGS
from upwind.studies.scores import unseen_scores
from upwind.training.device import use_device

with logged(snakemake.log[0]):
    params = snakemake.params
    device = use_device(params.device, params.cpu_threads)
    tables = []
    for reading in READINGS:
        network, recipe = load_weights(snakemake.input[reading], diverged=True)
        recipe = replace(recipe, threshold=params.threshold)
        scores = unseen_scores(
            network, recipe, snakemake.input.slices, params.cases, device, params.postprocess
        )
        tables.append(scores.assign(weights=reading))
    write_csv(snakemake.output.scores, pd.concat(tables))
