"""Trained weights as safetensors, with what is needed to rebuild the network and feed it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from upwind import __version__
from upwind.common.errors import UpwindError
from upwind.common.files import atomic_path
from upwind.common.reading import open_plain
from upwind.common.references import referred_to
from upwind.common.wording import first_few
from upwind.methods.configured import FOREIGN
from upwind.networks.recipes import Recipe as Recipe
from upwind.networks.recipes import check_options, stated_recipe
from upwind.networks.registry import definition_of

# Precisions that weights may be kept in; the network's own is taken.
_REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def network_class(name: str) -> type[nn.Module]:
    """A network's class, of the form of :class:`upwind.networks.network.SegmentationNetwork`,
    imported now. Raises UpwindError for a network that is not known or not there."""
    return cast(type[nn.Module], referred_to(definition_of(name), f"network {name}"))


def build(recipe: Recipe) -> nn.Module:
    """The untrained network of a recipe."""
    return network_class(recipe.network)(**recipe.options)


def save_weights(path: str | os.PathLike[str], network: nn.Module, recipe: Recipe) -> None:
    """Write a safetensors file atomically; the recipe is JSON in its header."""
    save_tensors(path, network.state_dict(), recipe)


def save_tensors(
    path: str | os.PathLike[str], values: Mapping[str, torch.Tensor], recipe: Recipe
) -> None:
    """The same for ``values`` of a network's tensors by name, others than it has now."""
    tensors = {k: v.detach().cpu().contiguous() for k, v in values.items()}
    header = {"upwind": json.dumps({"version": __version__, **asdict(recipe)})}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata=header)


def load_weights(
    path: str | os.PathLike[str], allowed: str | None = None, *, diverged: bool = False
) -> tuple[nn.Module, Recipe]:
    """Rebuild the network of the weights file ``path``: ready for prediction.

    Nothing in the file is run, and nothing that its header names is imported but upwind's own
    networks, and ``allowed`` (``package.module:Class``): a network that is defined elsewhere has to
    be named by who loads it. Nothing is built that is larger than what the file holds.

    Args:
        path: a ``.safetensors`` file of upwind.
        allowed: the one network from elsewhere whose code may be run.
        diverged: weights may be other than finite, as those of a fold that failed to train.

    Raises UpwindError for another network, for what holds no such weights, and for weights that are
    not finite.
    """
    text, tensors = _read(path)
    recipe = _sound_recipe(path, text)
    _check_allowed(path, recipe, allowed)
    network = _built(path, recipe, tensors)
    if not diverged:
        _check_finite(path, tensors)
    network.eval()
    if recipe.network == FOREIGN:
        cast(Any, network).show(recipe.image_size)
    return network, recipe


def _read(path: str | os.PathLike[str]) -> tuple[str, dict[str, torch.Tensor]]:
    try:
        open_plain(path).close()  # a pipe would be waited for
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # safetensors raises its own types for damaged files
        raise UpwindError(f"{path} is not a readable safetensors file: {error}") from error
    if "upwind" not in metadata:
        raise UpwindError(f"{path} holds weights, but not of an upwind network (no header)")
    return metadata["upwind"], tensors


def _sound_recipe(path: str | os.PathLike[str], text: str) -> Recipe:
    try:
        recipe = stated_recipe(text)
        check_options(recipe.network, network_class(recipe.network), recipe.options)
    except (UpwindError, ValueError) as error:
        raise _none_of_ours(path, error) from error
    return recipe


def _check_allowed(path: str | os.PathLike[str], recipe: Recipe, allowed: str | None) -> None:
    if recipe.network != FOREIGN or recipe.options["network"] == allowed:
        return
    stated, given = recipe.options["network"], "" if allowed is None else f", not {allowed}"
    raise UpwindError(
        f"{path} holds the weights of {stated!r}{given}: a network that is defined outside of "
        "upwind, whose code is run to load it. If you trust that code, name it: "
        f"--network {stated}"
    )


def _built(
    path: str | os.PathLike[str], recipe: Recipe, tensors: Mapping[str, torch.Tensor]
) -> nn.Module:
    """The network of a recipe, with the file's tensors."""
    misfit = f"{path}: the tensors do not fit its {recipe.network}"
    try:
        difference = _difference(_outline(recipe), tensors)
        network = None if difference else build(recipe)
    except UpwindError as error:
        raise _none_of_ours(path, error) from error
    if network is None:
        raise UpwindError(f"{misfit}: {difference}")
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise UpwindError(f"{misfit}: {error}") from error
    return network


def _outline(recipe: Recipe) -> dict[str, torch.Tensor] | None:
    """The tensors of a recipe's network without any memory of theirs; None of a network from
    elsewhere that cannot be built so."""
    try:
        with torch.device("meta"):
            return build(recipe).state_dict()
    except UpwindError:
        if recipe.network != FOREIGN:
            raise
        return None


def _difference(
    expected: Mapping[str, torch.Tensor] | None, tensors: Mapping[str, torch.Tensor]
) -> str:
    """Where the tensors of a file are not those that are expected; empty where they are."""
    if expected is None:
        return ""
    for name, wanted in expected.items():
        if name not in tensors:
            return f"{name} is missing"
        given = tensors[name]
        if given.shape != wanted.shape:
            return f"{name} is {_by(given)}, and would be {_by(wanted)}"
        if given.dtype != wanted.dtype and not (given.dtype in _REAL and wanted.dtype in _REAL):
            return f"{name} is of {given.dtype}"
    unknown = sorted(tensors.keys() - expected.keys())
    return f"it has no {first_few(unknown, 3)}" if unknown else ""


def _by(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"


def _check_finite(path: str | os.PathLike[str], tensors: Mapping[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise UpwindError(
                f"{path}: {name} holds numbers that are not finite: the training diverged, or the "
                "file is damaged; give the weights of another training"
            )


def _none_of_ours(path: str | os.PathLike[str], error: Exception) -> UpwindError:
    return UpwindError(
        f"{path} holds weights, but not of an upwind network: its header does not describe one "
        f"({error})"
    )
