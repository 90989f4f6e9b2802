"""Train one network on one fold."""

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import HELDOUT, TRAIN, read_split
from upwind.networks.weights import Recipe, save_weights
from upwind.training.examples import load_examples
from upwind.training.loop import TrainingSettings
from upwind.training.runs import run_fold

with logged(snakemake.log[0]):
    wildcards, params = snakemake.wildcards, snakemake.params
    split = read_split(snakemake.input.split)
    training, heldout = (
        load_examples(snakemake.input.slices, split, wildcards.fold, part)
        for part in (TRAIN, HELDOUT)
    )
    options = dict(params.network)
    settings = TrainingSettings(
        epochs=options.pop("epochs"), window=tuple(params.window), **params.training
    )
    recipe = Recipe(wildcards.network, params.image_size, settings.window, options=options)
    name = f"{wildcards.network} {wildcards.fold}"
    network, recipe, curves = run_fold(recipe, training, heldout, settings, params.seed, name)
    save_weights(snakemake.output.weights, network, recipe)
    write_csv(snakemake.output.curves, curves)
