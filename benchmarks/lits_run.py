"""What a run of all of LiTS needs, from measured pieces: jobs, hours of CPU, hours by the number of
nodes that train, and disk. Printed by scale.py. Seconds are those of CPU, so that what else a
machine does counts little."""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass

# The 131 training cases of LiTS have 58,638 slices, about 19,000 of which show liver (public
# knowledge, approximate), of 512 x 512 pixels.
CASES, FOLDS = 131, 5
SLICES, LIVER_SLICES = 58_638, 19_000
PIXELS = 512 * 512
UPDATES = 2


@dataclass(frozen=True)
class Rule:
    """A rule's jobs, and the hours of one CPU thread that all of them take together."""

    name: str
    jobs: int
    hours: float


def print_needs(measured: dict[str, dict[str, float]], sizes: dict[str, float], settings: dict):
    """``measured`` are the seconds of each step for a volume of ``sizes["depth"]`` slices."""
    rates = {network: training_rate(network) for network in ("unet", "lsn")}
    training = {
        (network, fold): training_hours(network, fold, rates[network], settings)
        for network in rates
        for fold in (*map(str, range(FOLDS)), "all")
        if (network, fold) != ("lsn", "all")
    }
    print("\nA run of all of LiTS by these measurements, one CPU thread a job; no GPU was measured")
    for network, rate in rates.items():
        print(f"{network}: {rate:.2f} slices/s in training, {settings['image_size']} pixels")
    rules = without_training(measured, sizes["depth"], settings)
    rules.append(Rule("train", len(training), sum(training.values())))
    for rule in rules:
        print(f"{rule.name:24s} {rule.jobs:4d} jobs {rule.hours:9.1f} h of CPU")
    print_nodes(list(training.values()))
    print_disk(sizes, settings["image_size"])


def training_slices(fold: str) -> tuple[float, float]:
    """Slices that a fold trains on, and holds out."""
    patients = 1 if fold == "all" else 1 - 1 / FOLDS
    return 0.9 * patients * LIVER_SLICES, 0.1 * patients * LIVER_SLICES


def training_hours(network: str, fold: str, rate: float, settings: dict) -> float:
    """Hours of a training run. Held-out slices only go forward, about a third of the work."""
    trained, heldout = training_slices(fold)
    return settings[network]["epochs"] * (trained + heldout / 3) / rate / 3600


def without_training(
    measured: dict[str, dict[str, float]], depth: float, settings: dict
) -> list[Rule]:
    """The rules whose time goes by the number of slices."""

    def hours(step: str, slices: float) -> float:
        return measured[step]["cpu"] / depth * slices / 3600

    # Every patient is unseen once; the training patients' volumes are read for few slices.
    heldout = sum(training_slices(str(fold))[1] for fold in range(FOLDS))
    others = SLICES * (FOLDS - 1)
    predicted = sum(
        measured[f"predict: {name}"]["network_seconds"] * (SLICES + heldout) / 3600
        for name in ("UNet", "LSN")
    )
    level_set = measured["predict: level set"]
    in_trials = level_set["in_trials"] * level_set["cpu"] / level_set["seconds"]
    a_trial = in_trials / level_set["trials"]
    a_case = a_trial * settings["levelset"]["trials"]
    blind = settings["levelset"]["blind"]
    # A trial goes by the fourth power of the working grid's spacing.
    evolution = a_trial * (settings["levelset"]["spacing_mm"] / blind["spacing_mm"]) ** 4
    tuned = FOLDS * blind["patients"] * blind["trials"]
    scored = 2 * (hours("score", SLICES) + hours("score: held-out slices", others))
    return [
        Rule("check_case", CASES, hours("check", SLICES)),
        Rule("slice_case", CASES, hours("slice", SLICES)),
        Rule("operate_level_set", CASES, CASES * a_case / 3600),
        Rule("tune_level_set", FOLDS, tuned * evolution / 3600),
        Rule("segment_blind", FOLDS, CASES * evolution / 3600),
        Rule("segment_fold", 2 * FOLDS, predicted),
        Rule("score_network", 2 * FOLDS, scored),
        Rule("score_untrained", 2, 2 * hours("score", SLICES)),
    ]


def print_nodes(hours: list[float]) -> None:
    """Hours that the training takes on one to eleven nodes, the longest run first on whichever
    node is free: no less than all hours over the nodes, and no less than the longest run."""
    print(f"{len(hours)} training runs of {min(hours):.1f} to {max(hours):.1f} h on N nodes:")
    for nodes in (1, 2, 4, 6, 8, len(hours)):
        busy = [0.0] * nodes
        for run in sorted(hours, reverse=True):
            busy[busy.index(min(busy))] += run
        print(f"  N = {nodes:2d}: {max(busy):8.1f} h")


def print_disk(sizes: dict[str, float], image_size: int) -> None:
    """Sizes on disk, in GB."""
    # A fold's unseen patients, and the other folds' held-out slices in files of whole volumes.
    masks = 2 * FOLDS * SLICES * sizes["segmentation"]
    disk = {
        "volumes, .nii": SLICES * PIXELS * 2,
        "labels, .nii (uint8)": SLICES * PIXELS,
        "volumes and labels, .nii.gz": SLICES * (sizes["volume"] + sizes["label"]),
        f"slices of {image_size} pixels": SLICES * sizes["slices"],
        "segmentations": masks + 2 * SLICES * sizes["segmentation"],
        "networks": 11 * sizes["weights"],
        # Weights and the optimiser's two averages of each, in two generations.
        "checkpoints": 11 * 2 * 3 * sizes["weights"],
    }
    for what, size in disk.items():
        print(f"{what:32s} {size / 1e9:8.2f} GB")
    print("DVC's cache holds volumes and slices once more, unless the file system links them")


def training_rate(network: str) -> float:
    """Slices per second of CPU in updates with LiTS' settings, in a process of its own."""
    command = [sys.executable, __file__, network]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure_training(network: str) -> float:
    """The same in this process: the updates of :mod:`upwind.training.loop`."""
    import torch
    from scale import network_for

    from upwind.training.loss import squared_dsc_loss

    model, recipe, _ = network_for(network)
    model.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adadelta(model.parameters())
    # The LSN takes its images one by one; the UNet is faster with a batch.
    shape = (4 if network == "lsn" else 20, 1, recipe.image_size, recipe.image_size)
    slices = torch.randn(shape).contiguous(memory_format=torch.channels_last)
    liver = (torch.rand(shape) > 0.7).float()
    for done in range(UPDATES + 1):
        if done == 1:  # the first compiles, and takes memory from the system
            start = time.process_time()
        optimiser.zero_grad()
        squared_dsc_loss(model(slices), liver).backward()
        optimiser.step()
    return shape[0] * UPDATES / (time.process_time() - start)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=("unet", "lsn"))
    print(measure_training(parser.parse_args().network))
