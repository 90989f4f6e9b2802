"""Draw the atlas of a network's kernels: one page that opens offline."""

import pandas as pd

from upwind.atlas.choice import choose_slice, untrained_slices
from upwind.atlas.content import atlas_content
from upwind.atlas.displayed_slice import shown_slice
from upwind.atlas.network import read_clustered
from upwind.atlas.page import write_page
from upwind.atlas.responses import layer_maps
from upwind.common.jobs import logged
from upwind.data.folds import read_split
from upwind.data.slices import read_liver_slices
from upwind.training.device import use_device

with logged(snakemake.log[0]):
    params, given = snakemake.params, snakemake.input
    use_device("cpu", params.cpu_threads)
    kernels, effects = pd.read_csv(given.kernels), pd.read_csv(given.effects)
    clustered = read_clustered(given.weights, kernels, params.threshold)
    liver = dict(map(read_liver_slices, given.slices))
    files = dict(zip(liver, given.slices, strict=True))
    untrained = untrained_slices(read_split(given.split), liver)
    scores = pd.concat(map(pd.read_csv, given.scores)) if given.scores else None
    choice = choose_slice(params.case, params.slice, liver, untrained, scores)
    shown = shown_slice(
        clustered, choice, files[choice.case], effects, params.experiment, params.fold
    )
    maps = layer_maps(clustered, shown.image)
    replacements = pd.read_csv(given.replacements)
    layers = atlas_content(kernels, effects, replacements, maps, len(clustered.network.down))
    write_page(snakemake.output.page, shown, layers, maps, clustered, params.pixels)
