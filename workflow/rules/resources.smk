# What jobs ask of a cluster: memory and time by the size of what they read, more with each attempt.
# On one machine nobody is bound by it, unless `--resources mem_mb=...` says how much there is.
# Where jobs run is the profile's (workflow/profiles/slurm).

from snakemake.exceptions import IncompleteCheckpointException

from upwind.data.resources import (
    memory_mb,
    minutes,
    training_memory_mb,
    training_minutes,
    trial_minutes,
)
from upwind.data.sizes import TYPICAL_CT, VolumeSize, volume_size

# Taken for a volume that is not there yet: not made, or not pulled.
PHANTOM = VolumeSize((160, 160, 45), 2)
ABSENT = PHANTOM if DATASET["kind"] == "phantom" else TYPICAL_CT
NIFTI = (".nii", ".nii.gz")
found_sizes = {}


def size_of(path):
    """Size of a volume; its header is read once, as no volume changes while the workflow runs."""
    if path not in found_sizes:
        size = volume_size(path)
        if size is None:
            return ABSENT
        found_sizes[path] = size
    return found_sizes[path]


def resources_for(kind, extra_minutes=0, most=None):
    """Resources of a kind of job, by the volumes among its inputs, of which it reads ``most``."""

    def volumes_of(input):
        sizes = [size_of(path) for path in map(str, input) if path.endswith(NIFTI)]
        return sorted(sizes, key=lambda size: -size.megabytes)[:most]

    return {
        "mem_mb": lambda wildcards, input, attempt: memory_mb(
            kind, volumes_of(input), attempt
        ),
        "runtime": lambda wildcards, input, attempt: minutes(
            kind, volumes_of(input), attempt, extra_minutes
        ),
    }


def images_of(choose, *arguments):
    """Sizes of the CTs of the cases that ``choose`` tells; none while a checkpoint that tells them
    is still to come: the job is planned anew then."""
    try:
        return [size_of(path) for path in map(images, choose(*arguments)) if path]
    except IncompleteCheckpointException:
        return []


def training_slices(wildcards, input):
    """Slices of a fold: the lines of its split, or, before there is one, all that its cases have."""
    split = Path(input.split)
    if split.exists():
        return len(split.read_bytes().splitlines()) - 1
    return sum(image.slices for image in images_of(training_cases, wildcards.fold))


def unseen_resources(kind):
    """Resources of a job on a fold's unseen patients, whose inputs do not tell how large they are."""
    return {
        "mem_mb": lambda wildcards, attempt: memory_mb(
            kind, images_of(unseen, wildcards.fold), attempt
        ),
        "runtime": lambda wildcards, attempt: minutes(
            kind, images_of(unseen, wildcards.fold), attempt
        ),
    }


def network_minutes(kind, options, slices, epochs, threads, attempt):
    cores = threads if config["training"]["device"] == "cpu" else None
    cost = network_named(METHODS, kind).cost(options) * epochs
    return training_minutes(slices, config["image_size"], cost, cores, attempt)


def training_resources(network_of):
    """Resources of training one network on one fold; ``network_of`` tells its kind and options from
    the wildcards."""

    def runtime(wildcards, input, threads, attempt):
        kind, options = network_of(wildcards)
        slices, epochs = training_slices(wildcards, input), options["epochs"]
        if getattr(wildcards, "updates", ""):
            batch_size = config["training"]["batch_size"]
            slices, epochs = batch_size, int(wildcards.updates[1:])
        return network_minutes(kind, options, slices, epochs, threads, attempt)

    return {
        "mem_mb": lambda wildcards, input, attempt: training_memory_mb(
            training_slices(wildcards, input),
            config["image_size"],
            config["training"]["batch_size"],
            attempt,
        ),
        "runtime": runtime,
    }


def segmentation_resources(network_of, epochs_of=lambda wildcards: 1):
    """Resources of segmenting one fold, whose inputs are slices: the time of one pass over unseen
    patients, or of as many epochs of training as ``epochs_of`` tells from the wildcards.
    """

    def runtime(wildcards, threads, attempt):
        images = images_of(unseen, wildcards.fold)
        slices = sum(image.slices for image in images)
        return max(
            minutes("segmentation", images, attempt),
            network_minutes(
                *network_of(wildcards), slices, epochs_of(wildcards), threads, attempt
            ),
        )

    return {
        "mem_mb": lambda wildcards, attempt: memory_mb(
            "segmentation", images_of(cases), attempt
        ),
        "runtime": runtime,
    }


def knockout_minutes(wildcards, threads, attempt):
    """One pass over the slices for each cluster of the UNet's 18 layers, and one with all."""
    passes = 1 + 18 * config["kernels"]["clusters"]
    return network_minutes(
        "unet", {}, config["atlas"]["most_slices"], passes, threads, attempt
    )
