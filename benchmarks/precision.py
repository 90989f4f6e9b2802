"""What mixed precision and compilation do to a network: DSC and seconds, run beside run.

Trains on one fold of a finished experiment, with the same seed each time. `float32` comes with a
second seed beside it: a difference that is not larger than that one says nothing. CPUs without
instructions for bfloat16 are much slower with it; take fewer `--epochs` there.

    python benchmarks/precision.py results/demo --fold 0 --epochs 4
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import yaml

from upwind.data.folds import HELDOUT, TRAIN, read_split, unseen_cases
from upwind.networks.weights import Recipe
from upwind.studies.scores import unseen_scores
from upwind.training.device import use_device
from upwind.training.examples import load_examples
from upwind.training.runs import run_fold
from upwind.training.settings import TrainingSettings

# Settings, and what is added to the configuration's seed.
WAYS = {
    "float32": ({}, 0),
    "float32, another seed": ({}, 1),
    "compile": ({"compile": True}, 0),
    "bfloat16": ({"precision": "bfloat16"}, 0),
    "bfloat16, compile": ({"precision": "bfloat16", "compile": True}, 0),
}


def main() -> None:
    """Print a row for each network and way of training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", type=Path, help="a finished one, such as results/demo")
    parser.add_argument("--networks", nargs="+", default=["unet", "lsn"])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--fold", default="0")
    parser.add_argument("--epochs", type=int, help="in place of each network's own")
    given = parser.parse_args()
    print("network  epochs  way                    unseen  held-out  seconds")
    for network in given.networks:
        for way in given.ways:
            epochs, unseen, heldout, seconds = trained(given, network, *WAYS[way])
            print(
                f"{network:7}  {epochs:6}  {way:21}  {unseen:6.4f}  {heldout:8.4f}  {seconds:7.1f}",
                flush=True,
            )


def trained(
    given: argparse.Namespace, network: str, changed: dict[str, object], seed: int
) -> tuple[int, float, float, float]:
    """Epochs, DSC of the unseen patients and of the held-out slices, and seconds of a training."""
    config = yaml.safe_load((given.experiment / "config.yaml").read_text())
    files = sorted((given.experiment / "slices").glob("case-*.safetensors"))
    split = read_split(given.experiment / f"split/{given.fold}.csv")
    training, heldout = (load_examples(files, split, given.fold, p) for p in (TRAIN, HELDOUT))
    options = {key: value for key, value in config[network].items() if value is not None}
    epochs = given.epochs or options["epochs"]
    options.pop("epochs")
    settings = TrainingSettings(
        epochs=epochs,
        window=tuple(config["intensity"]["window"]),
        **(training_settings(config) | changed),
    )
    recipe = Recipe(network, config["image_size"], settings.window, options=options)
    start = time.perf_counter()
    trained = run_fold(
        recipe, training, heldout, settings, config["seed"] + seed, f"{network} {changed}"
    )
    seconds = time.perf_counter() - start
    recipe = replace(trained.recipe, threshold=config["prediction"]["threshold"])
    device = use_device(settings.device, settings.cpu_threads)
    left_out = unseen_cases(pd.read_csv(given.experiment / "folds.csv"), int(given.fold))
    scores: pd.DataFrame = unseen_scores(trained.network, recipe, files, left_out, device)
    return epochs, scores["dsc"].mean(), trained.curves["heldout_dsc"].iloc[-1], seconds


def training_settings(config: dict) -> dict[str, object]:
    """Of the configuration's ``training:``, what a training takes."""
    known = TrainingSettings.model_fields
    return {key: value for key, value in config["training"].items() if key in known}


if __name__ == "__main__":
    main()
