"""Train one network on one fold."""

from pathlib import Path

from upwind.common.files import write_csv
from upwind.common.jobs import logged
from upwind.data.folds import HELDOUT, TRAIN, first_patients, read_split
from upwind.networks.weights import Recipe, save_tensors, save_weights
from upwind.training.checkpoints import CheckpointPlace
from upwind.training.examples import load_examples
from upwind.training.kept import kept_file
from upwind.training.runs import remark_on, run_fold
from upwind.training.settings import TrainingSettings, epochs_for

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
    epochs = options.pop("epochs")
    if params.updates is not None:
        epochs = epochs_for(params.updates, len(training), params.training["batch_size"])
    settings = TrainingSettings(
        epochs=epochs, window=tuple(params.window), kept=tuple(params.kept), **params.training
    )
    recipe = Recipe(params.kind, params.image_size, settings.window, options=options)
    # Neither output nor params: Snakemake must not delete checkpoints, nor train again for them.
    folder = Path("checkpoints", config["experiment"], params.run.replace(" ", "-"))
    place = CheckpointPlace(folder, config["training"]["checkpoint_seconds"])
    trained = run_fold(recipe, training, heldout, settings, params.seed, params.run, place)
    if remark := remark_on(trained.network, heldout, settings.window):
        print(f"{params.run}: {remark}")
    save_weights(snakemake.output.weights, trained.network, trained.recipe)
    save_tensors(snakemake.output.averaged, trained.averaged, trained.recipe)
    for epoch, readings in trained.kept.items():
        for reading, tensors in readings.items():
            save_tensors(kept_file(snakemake.output.kept, epoch, reading), tensors, trained.recipe)
    write_csv(snakemake.output.curves, trained.curves)
