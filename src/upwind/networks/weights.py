"""Trained weights as safetensors, with what is needed to rebuild the network and feed it."""

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from upwind import __version__
from upwind.common.errors import UpwindError
from upwind.common.files import atomic_path
from upwind.common.references import referred_to
from upwind.methods.configured import FOREIGN
from upwind.networks.registry import definition_of
from upwind.settings.prediction import PredictionSettings


@dataclass(frozen=True)
class Recipe:
    """What is needed beside the tensors: the network's name and options, and how a CT is prepared
    for it (in-plane size in pixels, HU window) and read from it (threshold)."""

    network: str
    image_size: int
    window: tuple[float, float]
    threshold: float = PredictionSettings().threshold
    options: dict[str, Any] = field(default_factory=dict)


def network_class(name: str) -> type[nn.Module]:
    """A network's class, of the form of :class:`upwind.networks.network.SegmentationNetwork`,
    imported now. Raises UpwindError for a network that is not known or not there."""
    return cast(type[nn.Module], referred_to(definition_of(name), f"network {name}"))


def build(recipe: Recipe) -> nn.Module:
    """The untrained network of a recipe."""
    return network_class(recipe.network)(**recipe.options)


def save_weights(path: str | os.PathLike[str], network: nn.Module, recipe: Recipe) -> None:
    """Write a safetensors file atomically; the recipe is JSON in its header."""
    tensors = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    header = {"upwind": json.dumps({"version": __version__, **asdict(recipe)})}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata=header)


def load_weights(
    path: str | os.PathLike[str], allowed: str | None = None
) -> tuple[nn.Module, Recipe]:
    """Rebuild the network of the weights file ``path``: ready for prediction.

    Nothing in the file is run, and nothing that its header names is imported but upwind's own
    networks, and ``allowed`` (``package.module:Class``): a network that is defined elsewhere has to
    be named by who loads it. Raises UpwindError for another, and for what holds no such weights.
    """
    header, tensors = _read(path)
    try:
        recipe = _recipe(json.loads(header))
        stated = recipe.options["network"] if recipe.network == FOREIGN else allowed
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UpwindError(
            f"{path} holds weights, but not of an upwind network: its header does not describe "
            f"one ({error})"
        ) from error
    if stated != allowed:
        given = "" if allowed is None else f", not {allowed}"
        raise UpwindError(
            f"{path} holds the weights of {stated!r}{given}: a network that is defined outside of "
            "upwind, whose code is run to load it. If you trust that code, name it: "
            f"--network {stated}"
        )
    try:
        network = build(recipe)
    except (UpwindError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UpwindError(
            f"{path} holds weights, but not of an upwind network: its header does not describe "
            f"one ({error})"
        ) from error
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise UpwindError(
            f"{path}: the tensors do not fit its {recipe.network}: {error}"
        ) from error
    return network.eval(), recipe


def _read(path: str | os.PathLike[str]) -> tuple[str, dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # safetensors raises its own types for damaged files
        raise UpwindError(f"{path} is not a readable safetensors file: {error}") from error
    if "upwind" not in metadata:
        raise UpwindError(f"{path} holds weights, but not of an upwind network (no header)")
    return metadata["upwind"], tensors


def _recipe(header: dict[str, Any]) -> Recipe:
    values = {name: value for name, value in header.items() if name != "version"}
    low, high = values.pop("window")
    return Recipe(window=(low, high), **values)
