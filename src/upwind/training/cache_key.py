"""What a training run depends on, by name; in words, where two runs differ."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from upwind.networks.registry import network_modules
from upwind.networks.weights import Recipe
from upwind.provenance.fingerprint import code_fingerprint, package_versions
from upwind.training.examples import Examples
from upwind.training.settings import TrainingSettings

# Reaches the loop and the loss; the network is imported by name.
_MODULES = ("upwind.training.runs",)


def run_parts(
    recipe: Recipe,
    settings: TrainingSettings,
    seed: int,
    training: Examples,
    heldout: Examples,
    device: str,
) -> dict[str, Any]:
    """Everything that a run's result depends on, as JSON holds it.

    The device's name is a part only of a deterministic run: others may go on elsewhere, on another
    kind of node say, where the last bits differ.
    """
    modules = (*_MODULES, *network_modules(recipe.network, recipe.options))
    numbers = settings.model_dump()
    numbers.pop("device")
    parts = {
        "recipe": asdict(recipe),
        "settings": numbers,
        "seed": seed,
        "data": {
            "training": digest_of_arrays([training.images, training.masks]),
            "heldout": digest_of_arrays([heldout.images, heldout.masks]),
        },
        "code": code_fingerprint(modules),
        "packages": package_versions(modules),
    }
    if settings.deterministic:
        parts["device"] = device
    return json.loads(json.dumps(parts))


def differences(then: Mapping[str, Any], now: Mapping[str, Any], of: str = "") -> list[str]:
    """In words, in which parts two runs differ."""
    found = []
    for name in sorted({*then, *now}):
        old, new, path = then.get(name), now.get(name), f"{of}{name}"
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{path}.")
        elif _is_digest(old) and _is_digest(new):
            found.append(f"{path} differs")
        else:
            found.append(f"{path} was {_shown(old)} and is now {_shown(new)}")
    return found


def digest_of_arrays(arrays: Iterable[np.ndarray]) -> str:
    """SHA-256 (hex) of shapes, types and content."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def digest_of_text(text: str) -> str:
    """SHA-256 (hex)."""
    return hashlib.sha256(text.encode()).hexdigest()


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
