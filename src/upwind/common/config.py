"""The experiment's configuration: checked against its schema, every problem at once."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from upwind.common.errors import UpwindError

# YAML 1.1 takes 1e-7 and 1.0e7 for text.
_EXPONENT = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+")


def check_config(config: dict[str, Any], schema: dict[str, Any]) -> None:
    """Raise UpwindError naming every setting that is missing, misspelt or out of range, or that
    does not go with another."""
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors(config), key=lambda e: list(map(str, e.absolute_path)))
    lines = [line for error in errors for line in _explain(error)]
    lines += [*_reversed_ranges(config), *_unknown_network(config), *_second_seed(config)]
    if not errors:
        lines += _impossible_variants(config, schema)
    if lines:
        problems = "\n".join(f"  - {line}" for line in lines)
        raise UpwindError(
            f"the configuration does not hold:\n{problems}\n"
            "Mend it in your --configfile; config/README.md explains every setting."
        )


def _explain(error: jsonschema.ValidationError) -> list[str]:
    where = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties":
        return _no_such_settings(error)
    if error.validator == "oneOf":
        forms = ", or ".join(form.message for form in error.context)
        return [f"{where}: {error.instance!r} fits neither form: {forms}"]
    if error.validator == "type" and _is_exponent(error.instance):
        return [f"{where}: {error.message}; write exponents with point and sign, like 1.0e-7"]
    return [f"{where}: {error.message}"]


def _no_such_settings(error: jsonschema.ValidationError) -> list[str]:
    known = list(error.schema.get("properties", {}))
    lines = []
    for key in sorted(set(error.instance) - set(known), key=str):
        near = difflib.get_close_matches(str(key), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        name = ".".join(map(str, (*error.absolute_path, key)))
        lines.append(f"{name}: no such setting; {hint}")
    return lines


def _is_exponent(value: Any) -> bool:
    return isinstance(value, str) and _EXPONENT.fullmatch(value) is not None


def _reversed_ranges(config: dict[str, Any]) -> Iterator[str]:
    """[low, high] settings that run downwards. The window must also span something: HU are divided
    by its width."""
    for section, least_width in (("intensity", 1e-6), ("levelset", 0)):
        settings = config.get(section)
        for key, value in settings.items() if isinstance(settings, dict) else ():
            ranged = isinstance(value, list) and len(value) == 2 and key != "cases"
            if not ranged or not all(isinstance(v, int | float) for v in value):
                continue
            if value[1] - value[0] < least_width:
                yield f"{section}.{key}: {value} is not [low, high]: the second must be larger"


def _unknown_network(config: dict[str, Any]) -> Iterator[str]:
    kernels, folds = config.get("kernels"), config.get("folds")
    network = kernels.get("network") if isinstance(kernels, dict) else None
    if isinstance(network, int) and isinstance(folds, int) and network >= folds:
        yield f"kernels.network: there is no fold {network}; folds are 0 to {folds - 1}, or all"


def _second_seed(config: dict[str, Any]) -> Iterator[str]:
    """The analysed network's second training is a run of the studies' variant ``unet``."""
    kernels, variants = config.get("kernels"), config.get("variants")
    seed = kernels.get("second_seed") if isinstance(kernels, dict) else None
    if seed is None:
        return
    if seed == config.get("seed"):
        yield f"kernels.second_seed: {seed} is `seed` itself; choose another, or null for none"
    if isinstance(variants, dict) and variants.get("unet") != {"of": "unet"}:
        yield (
            "variants.unet: kernels.second_seed trains it, so that it must be the UNet as it is, "
            "{of: unet}; name your own variant otherwise, or set kernels.second_seed: null"
        )


def _impossible_variants(config: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """Settings of a study's variant that its network does not have or cannot take."""
    for name, variant in config["variants"].items():
        own = {key: value for key, value in variant.items() if key not in ("of", "network")}
        base = variant["of"]
        if "network" in variant and base != "lsn":
            network = variant["network"]
            yield f"variants.{name}: network {network} is a part of the lsn, not of {base}"
        validator = jsonschema.Draft202012Validator(schema["properties"][base])
        for error in validator.iter_errors(config[base] | own):
            for line in _explain(error):
                yield f"variants.{name}, as a network like {base}: {line}"
