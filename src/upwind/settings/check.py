"""The configuration of an experiment: checked against the models, every fault at once, and
completed with their defaults."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from upwind.common.errors import UpwindError
from upwind.methods import catalogue, networks_of, table1_columns, trained
from upwind.methods.configured import FOREIGN
from upwind.settings.faults import Place, details_of, hint, lines_of, real_place
from upwind.settings.folds import fold_count, read_folds
from upwind.settings.methods import NetworkEntry
from upwind.settings.model import Settings
from upwind.settings.root import ExperimentSettings, experiment_model
from upwind.settings.studies import Variant

# How often faults may come out behind faults, until what is left holds.
_ROUNDS = 5


def check_config(
    config: Mapping[str, Any], model: type[ExperimentSettings] | None = None
) -> dict[str, Any]:
    """All settings of an experiment, those given and the defaults of the others, as YAML has them:
    dictionaries, lists and plain values.

    Raises UpwindError naming every setting that is missing, misspelt or out of range, or that does
    not go with another. ``model``: of :func:`upwind.settings.root.settings_model`.
    """
    model = model or experiment_model()
    settings, lines, at_fault = _validated(config, model)
    if settings is not None:
        for check in _CHECKS:
            lines += check(settings, at_fault)
    if lines or settings is None:
        problems = "\n".join(f"  - {line}" for line in lines)
        raise UpwindError(
            f"the configuration cannot be used:\n{problems}\n"
            "Mend it in your --configfile; config/README.md explains every setting."
        )
    return plain(settings)


def plain(value: Any) -> Any:
    """Settings as YAML has them; of a variant what it was given."""
    if isinstance(value, Variant):
        return {key: plain(part) for key, part in value if key in value.model_fields_set}
    if isinstance(value, Settings):
        return {key: plain(part) for key, part in value}
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


class AtFault:
    """Settings of which something is known to be wrong, whose values say nothing."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places

    def touches(self, *place: int | str) -> bool:
        """Whether a setting, something in it, or what it is in, is at fault."""
        return any(
            place[: len(other)] == other or other[: len(place)] == place for other in self._places
        )


def _validated(
    config: Mapping[str, Any], model: type[ExperimentSettings]
) -> tuple[ExperimentSettings | None, list[str], AtFault]:
    """The settings, with defaults where something is at fault, so that the others can be held
    against each other; what is wrong, in lines; and where."""
    rest = copy.deepcopy(dict(config))
    lines: list[str] = []
    places: list[Place] = []
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(rest), lines, AtFault(places)
        except ValidationError as error:
            lines = lines or lines_of(error, model, rest)
            places += [_left_out(rest, detail) for detail in details_of(error)]
    return None, lines, AtFault(places)


def _left_out(rest: dict[Any, Any], detail: Any) -> Place:
    """Take what is at fault out of what was given, and say what was taken out."""
    place = real_place(rest, detail)
    if detail["type"] == "missing":
        if len(place) == 1:
            rest[place[0]] = "unnamed"  # the experiment's name, the only setting without a default
            return place
        place = place[:-1]
    part: Any = rest
    for depth, key in enumerate(place):
        if depth == len(place) - 1 or not isinstance(part[key], dict):
            del part[key]
            return place[: depth + 1]
        part = part[key]
    return place


# Settings that do not go with each other ---------------------------------------------------------


def _fold_count(settings: Any, at_fault: AtFault) -> int | None:
    """How many folds there are; None where that is at fault itself."""
    try:
        return None if at_fault.touches("folds") else fold_count(settings.folds)
    except UpwindError:
        return None


def _unreadable_folds(settings: Any, at_fault: AtFault) -> Iterator[str]:
    if at_fault.touches("folds") or not isinstance(settings.folds, str):
        return
    try:
        read_folds(settings.folds)
    except UpwindError as error:
        yield str(error).replace("\n", "\n  ")
    if settings.fold_shuffle_seed is not None:
        yield "fold_shuffle_seed: folds that a file gives are not shuffled; set it to null"


def _analysed_fold(settings: Any, at_fault: AtFault) -> Iterator[str]:
    network, folds = settings.kernels.network, _fold_count(settings, at_fault)
    if folds is None or network == "all" or network < folds:
        return
    yield f"kernels.network: there is no fold {network}; folds are 0 to {folds - 1}, or all"


def _second_seed(settings: Any, at_fault: AtFault) -> Iterator[str]:
    """The analysed network's second training is a run of the studies' variant ``unet``."""
    seed = settings.kernels.second_seed
    if seed is None or at_fault.touches("kernels", "second_seed"):
        return
    if seed == settings.seed and not at_fault.touches("seed"):
        yield f"kernels.second_seed: {seed} is `seed` itself; choose another, or null for none"
    variant = settings.variants.get("unet")
    as_it_is = variant is not None and plain(variant) == {"of": "unet"}
    if not as_it_is and not at_fault.touches("variants", "unet"):
        yield (
            "variants.unet: kernels.second_seed trains it, so that it must be the UNet as it is, "
            "{of: unet}; name your own variant otherwise, or set kernels.second_seed: null"
        )


def _further_seeds(settings: Any, at_fault: AtFault) -> Iterator[str]:
    """Further trainings of a network are runs of the studies' variant of its name."""
    if settings.seeds is None or at_fault.touches("seeds") or at_fault.touches("seed"):
        return
    if settings.seed not in settings.seeds:
        yield f"seeds: {settings.seed} is missing, the `seed` of Table I; add it"
    if len(settings.seeds) < 2:
        return
    for name in trained(catalogue()):
        variant = settings.variants.get(name)
        as_it_is = variant is not None and plain(variant) == {"of": name}
        if not as_it_is and not at_fault.touches("variants", name):
            yield (
                f"variants.{name}: seeds train it, so that it must be the network as it is, "
                f"{{of: {name}}}; name your own variant otherwise, or set seeds: null"
            )
    for name, entry in settings.methods.items():
        taken = isinstance(entry, NetworkEntry) and name in settings.variants
        if taken and not at_fault.touches("variants", name):
            yield f"variants.{name}: seeds train methods.{name} under that name; name it otherwise"


def _impossible_variants(settings: Any, at_fault: AtFault) -> Iterator[str]:
    """Settings of a study's variant that its network does not have or cannot take."""
    for name, variant in settings.variants.items():
        network = getattr(settings, variant.of)
        if variant.network not in (None, *settings.parts.get(variant.of, ())):
            yield f"variants.{name}: {variant.network} is no part of the {variant.of}"
        given = plain(network) | variant.own
        try:
            type(network).model_validate(given)
        except ValidationError as error:
            for line in lines_of(error, type(network), given):
                yield f"variants.{name}, as a network like {variant.of}: {line}"


def _no_disc(settings: Any, at_fault: AtFault) -> Iterator[str]:
    for name, variant in settings.variants.items():
        starts_from_one = "disc_radius" in type(getattr(settings, variant.of)).model_fields
        if variant.postprocess == "connected_with_disc" and not starts_from_one:
            yield f"variants.{name}.postprocess: the {variant.of} starts from no disc"


def _missing_variants(settings: Any, at_fault: AtFault) -> Iterator[str]:
    chosen = {f"studies.{name}": study.variants for name, study in settings.studies.items()}
    if "plateau" in settings.model_fields_set:  # else it may not be wanted
        chosen["plateau"] = settings.plateau.variants
    for where, variants in chosen.items():
        for name in variants:
            if name not in settings.variants and not at_fault.touches("variants", name):
                known = ", ".join(settings.variants)
                yield f"{where}.variants: no variant {name!r}; known are {known}"


def _unfit_references(settings: Any, at_fault: AtFault) -> Iterator[str]:
    """Variants of a study are compared with others of it; of those that it leaves out nothing has
    to hold, so that a shorter list of variants is one setting."""
    for study, given in settings.studies.items():
        where = f"studies.{study}.against"
        for name, other in given.against.items():
            if name not in given.variants:
                if name not in settings.variants and not at_fault.touches("variants", name):
                    yield f"{where}: no variant {name!r}; known are {', '.join(settings.variants)}"
            elif name == other:
                yield f"{where}: {name} cannot be compared with itself"
            elif other not in given.variants:
                known = ", ".join(given.variants)
                yield f"{where}.{name}: no variant {other!r} in this study; it has {known}"


def _missing_folds(settings: Any, at_fault: AtFault) -> Iterator[str]:
    count = _fold_count(settings, at_fault)
    if count is None:
        return
    chosen = {f"studies.{name}": study.folds for name, study in settings.studies.items()}
    chosen |= {name: getattr(settings, name).folds for name in ("plateau", "replacements")}
    for where, folds in chosen.items():
        for fold in () if folds == "all" else folds:
            if fold >= count:
                known = f"folds are 0 to {count - 1}"
                yield f"{where}.folds: there is no fold {fold}; {known}"


def _taken_names(settings: Any, at_fault: AtFault) -> Iterator[str]:
    """Methods share files and columns of tables with others, and settings a place with sections."""
    known = catalogue()
    taken = {*type(settings).model_fields, *known, *table1_columns(known), "fold", FOREIGN}
    taken |= {part for network in networks_of(known).values() for part in network.parts}
    for name in settings.methods:
        if name in taken:
            yield f"methods.{name}: is the name of something else: choose another"


def _missing_sources(settings: Any, at_fault: AtFault) -> Iterator[str]:
    sources = {key: entry for key, entry in settings.methods.items() if hasattr(entry, "of")}
    plain = [*catalogue(), *(key for key in settings.methods if key not in sources)]
    for key, entry in sources.items():
        of = entry.of
        if of not in plain and of not in sources:
            if not at_fault.touches("methods", of):
                yield f"methods.{key}.of: no method {of!r}; known are {', '.join(plain)}"
        elif getattr(sources.get(of), "postprocess", None):
            yield f"methods.{key}.of: {of} is itself post-processed: name the method before it"
        elif entry.weights and not _is_network(settings, of):
            yield f"methods.{key}.of: {of} is no network, which alone has averaged weights"


def _is_network(settings: Any, key: str) -> bool:
    return key in trained(catalogue()) or hasattr(settings.methods.get(key), "network")


def _missing_columns(settings: Any, at_fault: AtFault) -> Iterator[str]:
    known = list(dict.fromkeys([*table1_columns(catalogue()), *catalogue(), *settings.methods]))
    for name in settings.table1.columns or ():
        if name not in known and not at_fault.touches("methods", name):
            yield f"table1.columns: no column or method {name!r}; {hint(name, known)}"


_CHECKS: tuple[Callable[[Any, AtFault], Iterator[str]], ...] = (
    _unreadable_folds,
    _analysed_fold,
    _second_seed,
    _further_seeds,
    _impossible_variants,
    _no_disc,
    _missing_variants,
    _unfit_references,
    _missing_folds,
    _taken_names,
    _missing_sources,
    _missing_columns,
)
