# Configuration, cases and folds: what the rules share.

import os
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

# Jobs use the package of this checkout, also inside a conda environment and on another node.
SOURCES = str(Path(workflow.basedir) / "src")
sys.path.insert(0, SOURCES)
os.environ.update(PYTHONPATH=SOURCES)

from upwind.common.config import check_config
from upwind.common.errors import UpwindError
from upwind.data.folds import assign_folds, check_chosen, unseen_cases
from upwind.data.naming import CaseFiles, find_cases, holds_cases


def load_schema():
    path = Path(workflow.basedir) / "workflow/schemas/config.schema.yaml"
    return yaml.safe_load(path.read_text())


def or_stop(call, *arguments):
    """The call's result; bad input ends the run with one message instead of a traceback."""
    try:
        return call(*arguments)
    except UpwindError as error:
        raise WorkflowError(str(error)) from None


or_stop(check_config, config, load_schema())

RESULTS = f"results/{config['experiment']}"
LOGS = f"{RESULTS}/logs"
DATASET = config["dataset"]
NETWORKS = ["unet", "lsn"]
FOLDS = [str(fold) for fold in range(config["folds"])]
# Every training run: each network on each fold, and the network whose kernels are analysed.
KERNEL_FOLD = str(config["kernels"]["network"])
RUNS = [(network, fold) for network in NETWORKS for fold in FOLDS]
RUNS += [("unet", KERNEL_FOLD)] if KERNEL_FOLD not in FOLDS else []


# Marks a folder whose volumes the phantom may write, and write again.
PHANTOM_MARKER = f"{DATASET['root']}/phantom.txt"


def raw_cases():
    """Cases before any check, by number: those the phantom will have, or those in the folder."""
    if DATASET["kind"] == "phantom":
        root = Path(DATASET["root"])
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
    return find_cases(DATASET["root"], DATASET["kind"])


RAW = {case.number: case for case in or_stop(raw_cases)}


def cases():
    """Numbers of the usable cases. With on_bad_case: skip they are known once all are checked."""
    if DATASET["on_bad_case"] == "stop":
        return sorted(RAW)
    table = checkpoints.collect_cases.get().output.usable
    return [int(line) for line in Path(table).read_text().split()]


def fold_table():
    return assign_folds(cases(), config["folds"], config["fold_shuffle_seed"])


def check_fold_settings():
    table, chosen = fold_table(), config["levelset"]["cases"]
    if chosen != "all":
        check_chosen(table, chosen)


# Found before a night of training, not after. Which cases can be skipped is not known yet.
if DATASET["on_bad_case"] == "stop":
    or_stop(check_fold_settings)


def operated_cases():
    """Cases that the level set's operator segments."""
    chosen = config["levelset"]["cases"]
    return cases() if chosen == "all" else [n for n in cases() if n in chosen]


def operated_masks():
    """The operator's segmentations of those cases."""
    return [
        f"{RESULTS}/segmentations/itk_snap/segmentation-{case}.nii.gz"
        for case in operated_cases()
    ]


def unseen(fold):
    return unseen_cases(or_stop(fold_table), int(fold))


def training_cases(fold):
    """Cases that a fold trains on; the fold 'all' leaves nobody out."""
    left_out = [] if fold == "all" else unseen(fold)
    return [case for case in cases() if case not in left_out]


def volumes(case):
    return existing(RAW[int(case)].image)


def segmentations(case):
    return existing(RAW[int(case)].label)


def existing(path):
    return [] if path is None else str(path)


def slices(chosen):
    return [f"{RESULTS}/slices/case-{case}.safetensors" for case in chosen]


def figure(name, category, item, formats=("png",), caption=None):
    """Outputs of a figure by format; the PNG goes into the report."""
    paths = {ending: f"{RESULTS}/{name}.{ending}" for ending in formats}
    paths["png"] = report(
        paths["png"],
        category=category,
        caption=f"../report/{caption or name}.rst",
        labels={"item": item, "kind": "figure"},
    )
    return paths


def results():
    """Every stage's outputs, not only the last: after a failed job Snakemake may otherwise take an
    old result for finished."""
    methods = expand("{network}-{fold}", network=NETWORKS, fold=FOLDS)
    return {
        "slices": lambda w: slices(cases()),
        "segmentations": expand(
            f"{RESULTS}/segmentations/{{network}}/{{fold}}/{{subset}}",
            network=NETWORKS,
            fold=FOLDS,
            subset=["unseen", "heldout"],
        ),
        "level_set": lambda w: operated_masks(),
        "by_method": [
            f"{RESULTS}/scores/{method}.csv" for method in [*methods, "itk_snap"]
        ],
        "kernels": [
            f"{RESULTS}/kernels/{name}.csv"
            for name in ("kernels", "layers", "stencils", "axes")
        ],
        "top": [
            f"{RESULTS}/{name}"
            for name in (
                "config.yaml",
                "cases.csv",
                "folds.csv",
                "split.csv",
                "verdicts.csv",
                "scores.csv",
                "table1.csv",
                "table1.html",
                "table1.md",
                "table1.tex",
                "comparison.csv",
                "figure1.svg",
                "figure1.png",
                "figure2.pdf",
                "figure2.png",
                "figure2_all_layers.pdf",
                "figure2_all_layers.png",
                "curves.png",
                "scores.png",
                "gallery.png",
            )
        ],
        "runs": [
            f"{RESULTS}/networks/{network}/{fold}/{name}"
            for network, fold in RUNS
            for name in (
                "weights.safetensors",
                "curves.csv",
                "curves.png",
            )
        ],
    }


wildcard_constraints:
    case=r"\d+",
    fold=r"\d+|all",
    network="|".join(NETWORKS),
