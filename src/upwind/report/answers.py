"""What a run says first: its verdicts, and what it could not reproduce."""

import functools
from collections.abc import Iterator, Mapping
from operator import getitem
from pathlib import Path
from typing import Any

import pandas as pd

from upwind.common.wording import count_of
from upwind.settings.check import check_config

# Settings that move the numbers, and whose defaults are the paper's.
_PAPERS = ("image_size", "folds", "unet.epochs", "lsn.epochs")


def verdicts(folder: Path) -> list[str]:
    """Sentences about trainings and clusters, from the tables of a run."""
    return [*_trainings(folder / "verdicts.csv"), *_clusters(folder / "kernels")]


def _trainings(path: Path) -> Iterator[str]:
    table = pd.read_csv(path)
    failed = table[table["failed"]]
    if failed.empty:
        yield f"All {count_of(len(table), 'training')} succeeded, by the rule stated in Table I."
    for row in failed.itertuples():
        yield f"{row.method}, fold {row.fold}, failed to train: {row.reason}"


def _clusters(folder: Path) -> Iterator[str]:
    table = pd.read_csv(folder / "cluster_verdicts.csv")
    for verdict, rows in table.groupby("verdict", sort=True):
        layers = ", ".join(str(layer) for layer in rows["layer"])
        some = f"{count_of(len(rows), 'layer')} of the UNet ({layers})"
        where = f"all {len(table)} layers of the UNet" if len(rows) == len(table) else some
        yield f"{str(verdict).capitalize()} among the kernels of {where}."


def not_reproduced(config: Mapping[str, Any]) -> list[str]:
    """Sentences about what differs from the paper, so that its numbers cannot come out."""
    return [*_data(config["dataset"]["kind"]), *_settings(config), _OPERATOR]


_OPERATOR = (
    "The person who used ITK-SNAP in the paper: a simulated operator with the same knowledge of "
    "the label stands for the person, so that ITK-SNAP's column has other parameters than the "
    "paper's."
)


def _data(kind: str) -> Iterator[str]:
    if kind == "phantom":
        yield (
            "The data: this run is on a phantom, the published figures are on LiTS. Our DSC says "
            "whether the pipeline works, not how well a method segments patients."
        )


def _settings(config: Mapping[str, Any]) -> Iterator[str]:
    defaults = check_config({"experiment": config["experiment"]})
    for name in _PAPERS:
        here, papers = (functools.reduce(getitem, name.split("."), c) for c in (config, defaults))
        if here != papers:
            yield f"The setting {name}: {here} in this run, {papers} in the paper."
