# Configuration, methods, cases and folds: what the rules share. A rule file takes names from this
# one, results.smk, resources.smk and cluster.smk, never from another rule file.
#
# To read the rules takes Snakemake's own packages alone, so that `snakemake --lint` needs no others:
# what needs numpy or pandas is imported in the functions that plan.

import functools
import importlib.util
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# Jobs use the package of this checkout, also inside a conda environment and on another node. Rules
# that another workflow fetches from a host have no package beside them: the installed one is used.
CHECKOUT = Path(str(workflow.current_basedir)).parents[1]
if (CHECKOUT / "src").is_dir():
    sys.path.insert(0, str(CHECKOUT / "src"))
    os.environ.update(PYTHONPATH=str(CHECKOUT / "src"))
elif importlib.util.find_spec("upwind") is None:
    raise WorkflowError(
        "upwind is used as a module from a host, and its package is not installed: "
        "`pip install` the same version of it into the environment of this Snakemake"
    )

from upwind.common.caches import settle
from upwind.common.dates import refuse_future
from upwind.common.errors import UpwindError
from upwind.common.packages import check_interpreter, check_packages
from upwind.common.resource_errors import check_room
from upwind.common.same_bits import hold
from upwind.common.snakemake import (
    before_planning,
    config_files,
    is_main_process,
    renamed_by_module,
)
from upwind.common.wording import first_few, printable
from upwind.data.naming import CaseFiles, find_cases, holds_cases, left_out
from upwind.methods import learned, network_named, to_json, trained, untrained
from upwind.methods.configured import (
    methods_of,
    network_kind,
    networks_in,
    settings_of,
    source_of,
    with_masks,
)
from upwind.methods.method import MASKED_CASES, OPERATED_CASES
from upwind.methods.subsets import UNSEEN
from upwind.settings.check import check_config
from upwind.settings.dataset import DATA_TITLES
from upwind.settings.duplicates import check_written_once
from upwind.settings.folds import fold_count, given_folds
from upwind.settings.levelset import blind_options, operator_options
from upwind.studies.plan import (
    chosen_folds,
    evaluated_epochs,
    further_seeds,
    plateau_runs,
    runs_of,
    trained_as,
    variant_of,
)
from upwind.tables.followup_plan import PATIENTS, why_no_followup
from upwind.versions.commands import repository_root
from upwind.versions.hashes import Hashes
from upwind.versions.pointers import pointer_path, read_pointer
from upwind.versions.volumes import (
    DATA_TABLE,
    check_unedited,
    read_volumes,
    versions_by_case,
)


def or_stop(call, *arguments):
    """The call's result; bad input ends the run with one message instead of a traceback."""
    try:
        return call(*arguments)
    except UpwindError as error:
        raise WorkflowError(str(error)) from None


or_stop(check_written_once, config_files(workflow))
# From here on with every setting, as `snakemake` and the rules read it.
completed = or_stop(check_config, config)
config.clear()
config.update(completed)
# Before any library that computes is loaded, here and in jobs, on whatever node.
hold(
    os.environ,
    # In bfloat16 they need what AVX-512 has for it.
    convolutions=config["training"]["same_bits"]
    and config["training"]["precision"] == "float32",
)

settle(os.environ)

RESULTS = f"results/{config['experiment']}"
if renamed := renamed_by_module(workflow, [RESULTS, config["dataset"]["root"]]):
    raise WorkflowError(
        f"the module that uses upwind says `{' and '.join(renamed)}`: records name files and rules "
        "as upwind does, so that nothing could vouch for the results. Leave it out; another "
        "`experiment` in the config gives the results a folder of their own"
    )
LOGS = f"{RESULTS}/logs"
STUDIES = f"{RESULTS}/studies"
KERNELS = f"{RESULTS}/kernels"
DATASET = config["dataset"]
METHODS = or_stop(methods_of, config)
METHODS_FILE = f"{RESULTS}/methods.json"
NETWORKS = trained(METHODS)  # trained in every run; others are in studies
LEARNED = learned(METHODS)  # these, and others by averaged weights of their training
UNTRAINED = untrained(METHODS)
SEGMENTERS = [key for key in UNTRAINED if METHODS[key].segment]
POSTPROCESSED = [key for key in UNTRAINED if METHODS[key].postprocess]
GIVEN = with_masks(config)  # methods whose masks somebody else made, and where they lie
MASKS_TABLE = [f"{RESULTS}/{MASKED_CASES}"] if GIVEN else []
# Who is in which fold, where a file says so.
GIVEN_FOLDS = or_stop(given_folds, config["folds"])
FOLDS = [str(fold) for fold in range(fold_count(config["folds"]))]
# Every training run: each network on each fold, and the network whose kernels are analysed.
KERNEL_FOLD = str(config["kernels"]["network"])
RUNS = [(network, fold) for network in NETWORKS for fold in FOLDS]
RUNS += [("unet", KERNEL_FOLD)] if KERNEL_FOLD not in FOLDS else []
# The networks of the folds, trained once more from each further seed.
FURTHER_SEEDS = further_seeds(config["seed"], config["seeds"])
SEED_RUNS = [
    (n, fold, seed) for seed in FURTHER_SEEDS for n in LEARNED for fold in FOLDS
]
# Their segmentations after post-processing.
SEED_AFTER = [key for key in POSTPROCESSED if METHODS[key].of in LEARNED]
# Seeds of the files of their scores.
SEED_SCORES = {f"{RESULTS}/scores/{n}-{fold}-{s}.csv": s for n, fold, s in SEED_RUNS}
SEED_SCORES |= {
    f"{RESULTS}/scores/{key}-seed-{seed}.csv": seed
    for seed in FURTHER_SEEDS
    for key in SEED_AFTER
}
# Scores of each seed, for what tells their spread.
ALL_SCORES = f"{RESULTS}/seeds.csv" if FURTHER_SEEDS else f"{RESULTS}/scores.csv"
# What only judges or saves a run must not train it again.
TRAINING = {
    key: value
    for key, value in config["training"].items()
    if key not in ("failed_below", "checkpoint_seconds")
}

# Marks a folder whose volumes the phantom may write, and write again.
PHANTOM_MARKER = f"{DATASET['root']}/phantom.txt"
# Volumes with a DVC pointer beside their folder are versioned: pulled first, and known by content.
POINTER = pointer_path(DATASET["root"])
VERSIONED = DATASET["kind"] != "phantom" and POINTER.exists()


def raw_cases():
    """Cases before any check: those the phantom will have, or those in the folder."""
    root = Path(DATASET["root"])
    if DATASET["kind"] == "phantom":
        if holds_cases(root) and not Path(PHANTOM_MARKER).exists():
            raise UpwindError(
                f"dataset.kind is phantom, which writes its volumes into {root}, but that folder "
                "holds volumes that the phantom did not make: set dataset.kind to lits or msd, or "
                "dataset.root to another folder"
            )
        return [
            CaseFiles(n, root / f"volume-{n}.nii.gz", root / f"segmentation-{n}.nii.gz")
            for n in range(DATASET["patients"])
        ]
    if not root.exists() and not VERSIONED:
        raise UpwindError(
            f"the data folder {root} does not exist: `upwind import {DATASET['kind']} SOURCE --root "
            f"{root}` checks the volumes in the folder SOURCE, puts them there and keeps track of "
            "their version; or name your own folder in dataset.root"
        )
    return find_cases(root, DATASET["kind"])


def pulled_volumes():
    """The volumes as they were pulled; none if the pointer names another version now."""
    version = read_pointer(POINTER).version
    table = Path(RESULTS, DATA_TABLE)
    rows = read_volumes(table) if table.exists() else []
    return [row for row in rows if row.version == version]


def numbers_known_now():
    """Numbers of the cases, as far as they are known while the rules are read; else None. What is
    wrong with the data is said when jobs are planned."""
    try:
        if not VERSIONED:
            return [case.number for case in raw_cases()]
        rows = pulled_volumes()
        if not rows and read_pointer(POINTER).files == 2 * PATIENTS:
            return list(range(PATIENTS))
    except UpwindError:
        return None
    return sorted({row.case for row in rows}) or None


# Why our UNet is not set beside that of the authors' follow-up; None where it is.
NO_FOLLOWUP = why_no_followup(
    DATASET["kind"], numbers_known_now(), config["folds"], config["fold_shuffle_seed"]
)


def cases_known_now():
    """Cases before any check, while nothing is planned; None where they must be pulled first."""
    if VERSIONED:
        root = repository_root(POINTER.parent, f"the version of {DATASET['root']}")
        repository_root(Path(), f"the version of {RESULTS}/slices")
        rows = pulled_volumes()
        if not rows:
            return None
        if is_main_process(workflow):
            check_unedited(
                Path(DATASET["root"]), DATASET["kind"], rows, POINTER, Hashes(root)
            )
    return raw_cases()


@functools.cache
def raw():
    """Cases before any check, by number. Versioned ones are known once they are pulled."""
    if VERSIONED:
        checkpoints.pull_data.get()
    return {case.number: case for case in or_stop(raw_cases)}


def cases():
    """Numbers of the usable cases. With on_bad_case: skip they are known once all are checked."""
    numbers = sorted(raw())
    if DATASET["on_bad_case"] == "stop":
        return numbers
    table = checkpoints.collect_cases.get().output.usable
    return [int(line) for line in Path(table).read_text().split()]


def folds_of(numbers):
    from upwind.data.folds import folds_table

    return folds_table(numbers, len(FOLDS), config["fold_shuffle_seed"], GIVEN_FOLDS)


def check_fold_settings(known):
    from upwind.data.folds import check_chosen, check_known, chosen_cases

    chosen = config["levelset"]["cases"]
    if known is not None and GIVEN_FOLDS:
        check_known(GIVEN_FOLDS, [case.number for case in known])
    # Which cases can be skipped is not known yet.
    if known is not None and DATASET["on_bad_case"] == "stop":
        table = folds_of([case.number for case in known])
        if chosen != "all":
            check_chosen(table, chosen_cases(chosen, table["case"]))


def check_raw_files(known):
    """Files that Snakemake would stop at, and those that are not taken for a case."""
    if DATASET["kind"] == "phantom" or known is None:
        return
    refuse_future([path for case in known for path in case.files])
    if names := left_out(Path(DATASET["root"])):
        logger.warning(
            f"{DATASET['root']}: not looked at, since they are not named like a case: "
            + printable(first_few(names, 5))
        )


def check_given_masks(known):
    """What a later look in a job finds too, with CTs that are not there yet."""
    from upwind.data.given_masks import check_masks, left_out, refuse_unusable

    masks = check_masks(GIVEN, {case.number: case.image for case in known or []})
    if DATASET["on_bad_case"] == "stop":
        refuse_unusable(masks)
    for line in left_out(masks):
        logger.warning(f"methods: {line}")


def check_own_networks():
    """As far as this process can: jobs may have an environment of their own."""
    from upwind.networks.trial import check_networks

    if importlib.util.find_spec("torch") is not None:
        own = {
            key: settings_of(config, key)
            for key in NETWORKS
            if key in config["methods"]
        }
        for options in own.values():
            del options["epochs"]
        check_networks(own, config["image_size"])


def check_before_planning():
    """Found before a night of training, not after."""
    or_stop(check_interpreter)
    or_stop(check_packages)
    or_stop(check_room, Path.cwd())
    if is_main_process(workflow):
        or_stop(check_own_networks)
    known = or_stop(cases_known_now)
    if is_main_process(workflow):
        or_stop(check_raw_files, known)
    or_stop(check_fold_settings, known)
    if GIVEN and is_main_process(workflow):
        or_stop(check_given_masks, known)


before_planning(workflow, check_before_planning)


def operated_cases():
    """Cases that the level set segments, the operator's and the blind one."""
    from upwind.data.folds import chosen_cases

    chosen = chosen_cases(config["levelset"]["cases"], cases())
    return [case for case in cases() if case in chosen]


def masked_cases(method):
    """Cases of which there is a usable mask that somebody else made. With on_bad_case: skip they are
    known once all are looked at."""
    if DATASET["on_bad_case"] == "stop":
        return cases()
    import pandas as pd

    from upwind.data.given_masks import usable_cases

    table = pd.read_csv(checkpoints.check_masks.get().output.table)
    return usable_cases(table, method)


def cases_of(method):
    """Cases that a method segments."""
    about = METHODS[method]
    if about.cases == MASKED_CASES:
        return masked_cases(about.of or method)
    return operated_cases() if about.cases == OPERATED_CASES else cases()


def segmentations_of(method):
    """A method's segmentations of unseen patients, as rules declare them: a folder for each fold, or
    the files of all its cases."""
    if METHODS[method].in_folds:
        return [f"{RESULTS}/segmentations/{method}/{fold}/{UNSEEN}" for fold in FOLDS]
    masks = f"{RESULTS}/{METHODS[method].masks[UNSEEN]}"
    return [masks.format(case=case) for case in cases_of(method)]


def segmentations_in_fold(method, fold):
    """A method's segmentations of a fold's unseen patients, as rules declare them."""
    if METHODS[method].in_folds:
        return [f"{RESULTS}/segmentations/{method}/{fold}/{UNSEEN}"]
    masks = f"{RESULTS}/{METHODS[method].masks[UNSEEN]}"
    return [
        masks.format(case=case) for case in cases_of(method) if case in unseen(fold)
    ]


def weights_of(method, run):
    """Below a folder of trained networks, the file of the weights by which a method segments."""
    reading = METHODS[method].weights or "weights"
    return f"{source_of(config, method)}/{run}/{reading}.safetensors"


def mask_of(method, case):
    from upwind.data.given_masks import mask_file

    return str(mask_file(GIVEN[method]["masks"], int(case)))


def masks_there():
    """Masks that somebody else made, those that are there, of the cases of the experiment."""
    masks = (mask_of(method, case) for method in GIVEN for case in cases())
    return [path for path in masks if Path(path).is_file()]


def unseen(fold):
    from upwind.data.folds import unseen_cases

    return unseen_cases(or_stop(folds_of, cases()), int(fold))


def training_cases(fold):
    """Cases that a fold trains on; the fold 'all' leaves nobody out."""
    left_out = [] if fold == "all" else unseen(fold)
    return [case for case in cases() if case not in left_out]


def tuned_on(fold):
    """Training patients of a fold that the blind level set is tuned on."""
    from upwind.data.folds import tuning_cases

    count = config["levelset"]["blind"]["patients"]
    return tuning_cases(training_cases(fold), count, config["seed"], int(fold))


def blind_cases(fold):
    """Patients that the blind level set of a fold segments."""
    return [case for case in unseen(fold) if case in operated_cases()]


def images(case):
    return existing(raw()[int(case)].image)


def labels(case):
    return existing(raw()[int(case)].label)


def existing(path):
    if path is None:
        return []
    # A pulled volume has the date of its copy; what counts is its version, a parameter.
    return ancient(str(path)) if VERSIONED else str(path)


@functools.cache
def pulled_versions():
    return versions_by_case(read_volumes(checkpoints.pull_data.get().output.table))


def versions(*chosen):
    """What changes when the volumes of these cases do; None where only their dates say so."""
    return [pulled_versions()[int(case)] for case in chosen] if VERSIONED else None


def slices(chosen):
    return [f"{RESULTS}/slices/case-{case}.safetensors" for case in chosen]


def variant_network(wildcards):
    """By what name a variant's network is known to the methods, and its options."""
    variant = variant_of(config, wildcards.variant)
    of_its_own = variant.name in networks_in(config)
    return variant.name if of_its_own else variant.kind, variant.options


def second_seed_weights():
    """The analysed network trained from another seed; none where the settings ask for none. It is a
    run that studies may share."""
    seed = config["kernels"]["second_seed"]
    run = f"{STUDIES}/networks/unet/{KERNEL_FOLD}-{seed}-all"
    return [] if seed is None else [f"{run}/weights.safetensors"]


def atlas_cases():
    """Cases that the analysed network is shown and measured on: of a fold's network the unseen
    ones; the one trained on all has only their held-out slices."""
    return cases() if KERNEL_FOLD == "all" else unseen(KERNEL_FOLD)


def median_scores():
    """Scores that tell which case is the median one, where it is asked for."""
    if config["atlas"]["case"] != "median":
        return []
    folds = FOLDS if KERNEL_FOLD == "all" else [KERNEL_FOLD]
    return [f"{RESULTS}/scores/unet-{fold}.csv" for fold in folds]


def analysis_settings(*names):
    """What a measure needs of upwind.kernels.analysis_settings.AnalysisSettings."""
    chosen = {name: config["kernels"][name] for name in names}
    return chosen | {"confidence": config["comparison"]["confidence"]}


def training_of(wildcards, name):
    """Weights of a variant's training, which may be another variant's too."""
    trained, w = trained_as(config, wildcards.variant), wildcards
    run = f"{w.fold}-{w.seed}-{w.patients}{w.updates}"
    return f"{STUDIES}/networks/{trained}/{run}/{name}.safetensors"


def to_plateau(wildcards):
    """As variant_network, with the study's epochs."""
    name, options = variant_network(wildcards)
    return name, options | {"epochs": config["plateau"]["epochs"]}


def is_random(replacement):
    from upwind.kernels.replacements import RANDOM

    return replacement in RANDOM


def draws_of(wildcards):
    """How often a replacement draws; what does not draw is the same each time."""
    return config["replacements"]["draws"] if is_random(wildcards.replacement) else 1


def replacement_options(wildcards):
    """What a replacement takes from the settings beside the kernels."""
    if wildcards.replacement != "centroid":
        return {}
    return {name: config["kernels"][name] for name in ("clusters", "seed", "restarts")}


wildcard_constraints:
    case=r"\d+",
    fold=r"\d+|all",
    network="|".join(LEARNED),
    method="|".join(UNTRAINED),
    study="|".join(config["studies"]),
    variant="|".join([*config["variants"], *networks_in(config)]),
    replacement="|".join(config["replacements"]["replacements"]),
    seed=r"\d+",
    patients=r"\d+|all",
    updates=r"(-\d+)?",
