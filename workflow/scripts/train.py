"""Train one network on one fold."""

from pathlib import Path

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import HELDOUT, TRAIN, first_patients, read_split
from upwind.networks.weights import Recipe, save_weights
from upwind.training.checkpoints import CheckpointPlace
from upwind.training.examples import load_examples
from upwind.training.runs import run_fold
from upwind.training.settings import TrainingSettings
from upwind.training.stability import stability_line

with logged(snakemake.log[0]):
    fold, params, config = snakemake.wildcards.fold, snakemake.params, snakemake.config
    split = read_split(snakemake.input.split)
    if params.patients != "all":
        split = first_patients(split, int(params.patients), params.seed)
    training, heldout = (
        load_examples(snakemake.input.slices, split, fold, part) for part in (TRAIN, HELDOUT)
    )
    # What is null is left to the network.
    options = {key: value for key, value in params.network.items() if value is not None}
    settings = TrainingSettings(
        epochs=options.pop("epochs"), window=tuple(params.window), **params.training
    )
    recipe = Recipe(params.kind, params.image_size, settings.window, options=options)
    # Neither output nor params: Snakemake must not delete checkpoints, nor train again for them.
    folder = Path("checkpoints", config["experiment"], params.run.replace(" ", "-"))
    place = CheckpointPlace(folder, config["training"]["checkpoint_seconds"])
    trained = run_fold(recipe, training, heldout, settings, params.seed, params.run, place)
    if line := stability_line(trained.network, heldout, settings.window, params.run):
        print(line)
    save_weights(snakemake.output.weights, trained.network, trained.recipe)
    save_weights(snakemake.output.averaged, trained.averaged, trained.recipe)
    write_csv(snakemake.output.curves, trained.curves)
