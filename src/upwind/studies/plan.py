"""Which networks a study trains: its variants, on which folds, with which seeds and patients.

``variants`` in the configuration are networks with settings of their own; ``studies`` say which of
them to train how often. Runs that two studies share are trained once, and so are variants that
differ in their post-processing alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from upwind.common.errors import UpwindError
from upwind.methods.configured import network_kind, networks_in, settings_of
from upwind.settings.folds import fold_count

ALL = "all"


@dataclass(frozen=True)
class Variant:
    """A network of the registry (``kind``) with ``options``, those of the configuration's network
    with the variant's own in their place, and what is done to its segmentations."""

    name: str
    kind: str
    options: dict[str, Any]
    postprocess: str | None = None


@dataclass(frozen=True)
class StudyRun:
    """One run of a study; ``patients`` is a number of training patients, or 'all', ``trained`` the
    variant whose training it is, ``updates`` how many that makes at least, where the study says so
    in place of the network's epochs."""

    variant: str
    fold: str
    seed: int
    patients: str
    trained: str
    updates: int | None = None

    @property
    def path(self) -> str:
        """Folder of the run's scores below the studies' networks."""
        return self._below(self.variant)

    @property
    def training(self) -> str:
        """Folder of its weights and curves there."""
        return self._below(self.trained)

    def _below(self, variant: str) -> str:
        length = "" if self.updates is None else f"-{self.updates}"
        return f"{variant}/{self.fold}-{self.seed}-{self.patients}{length}"


def variant_of(config: Mapping[str, Any], name: str) -> Variant:
    """The variant ``name`` of a configuration; a network of ``methods`` is one, as it is. Raises
    UpwindError where there is none."""
    variants = config["variants"]
    if name not in variants and name in networks_in(config):
        return Variant(name, network_kind(config, name), settings_of(config, name))
    if name not in variants:
        raise UpwindError(f"studies: no variant {name!r}; known are {', '.join(variants)}")
    own = dict(variants[name])
    base = own.pop("of")
    kind, postprocess = own.pop("network", base), own.pop("postprocess", None)
    return Variant(name, kind, {**settings_of(config, base), **own}, postprocess)


def trained_as(config: Mapping[str, Any], name: str) -> str:
    """The variant whose trainings the variant ``name`` has: the first one of the configuration that
    is the same network with the same options. Raises UpwindError where there is none."""
    found = variant_of(config, name)
    others = (variant_of(config, other) for other in config["variants"])
    return next(
        other.name for other in others if (other.kind, other.options) == (found.kind, found.options)
    )


def runs_of(config: Mapping[str, Any], study: str) -> list[StudyRun]:
    """Every run of a study, variants first. Raises UpwindError for a study that is not known."""
    if study not in config["studies"]:
        known = ", ".join(config["studies"])
        raise UpwindError(f"studies: no study {study!r}; known are {known}")
    given = config["studies"][study]
    folds = chosen_folds(config, given["folds"])
    combinations = product(given["variants"], given["patients"], folds, given["seeds"])
    trained = {name: trained_as(config, name) for name in given["variants"]}
    updates = given.get("updates")
    return [
        StudyRun(v, fold, seed, str(n), trained[v], updates) for v, n, fold, seed in combinations
    ]


@dataclass(frozen=True)
class PlateauRun:
    """One training of the study ``plateau``."""

    variant: str
    fold: str
    seed: int

    @property
    def path(self) -> str:
        """Folder of the run below those of the study."""
        return f"{self.variant}/{self.fold}-{self.seed}"


def plateau_runs(config: Mapping[str, Any]) -> list[PlateauRun]:
    """The trainings that ``plateau`` in a configuration asks for: all of a fold, then of the next,
    so that a study that is stopped has whole folds."""
    given = config["plateau"]
    folds = chosen_folds(config, given["folds"])
    combinations = product(folds, given["seeds"], given["variants"])
    return [PlateauRun(variant, fold, seed) for fold, seed, variant in combinations]


def evaluated_epochs(config: Mapping[str, Any]) -> list[int]:
    """The epochs after which ``plateau`` evaluates: those chosen, and the last."""
    given = config["plateau"]
    last = given["epochs"]
    return sorted({epoch for epoch in given["evaluated"] if epoch < last} | {last})


def chosen_folds(config: Mapping[str, Any], chosen: str | Sequence[int]) -> list[str]:
    """Names of the folds that a setting chooses: 'all', or some by their numbers."""
    return [str(fold) for fold in (range(fold_count(config["folds"])) if chosen == ALL else chosen)]


def further_seeds(first: int, seeds: Sequence[int] | None) -> list[int]:
    """The seeds beside the ``first`` that the settings ask for."""
    return [seed for seed in seeds or () if seed != first]
