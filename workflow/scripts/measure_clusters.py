"""What each cluster of kernels is worth: DSC without it, on slices that were not trained on."""

import sys

import pandas as pd

from upwind.atlas.choice import spread, untrained_slices
from upwind.atlas.effects import measure_effects, read_examples
from upwind.atlas.network import read_clustered
from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import read_split
from upwind.data.slices import read_liver_slices
from upwind.training.device import describe_device, use_device

with logged(snakemake.log[0]):
    params, given = snakemake.params, snakemake.input
    device = use_device(params.device, params.cpu_threads)
    print(f"on {describe_device(device)}", file=sys.stderr)
    clustered = read_clustered(given.weights, pd.read_csv(given.kernels), params.threshold)
    liver = dict(map(read_liver_slices, given.slices))
    untrained = untrained_slices(read_split(given.split), liver)
    examples = read_examples(given.slices, spread(untrained, params.most_slices))
    effects = measure_effects(
        clustered,
        examples,
        params.removed,
        device,
        params.resamples,
        params.confidence,
        params.seed,
    )
    write_csv(snakemake.output.effects, effects)
