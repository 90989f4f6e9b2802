"""Networks that segment together: the folds' networks of one method, say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from upwind.common.errors import UpwindError
from upwind.networks.weights import Recipe, load_weights


@dataclass(frozen=True)
class Ensemble:
    """Networks whose probabilities are averaged, and how all of them read a CT: the recipe's size,
    window and threshold (its network and options are the first one's)."""

    networks: tuple[nn.Module, ...]
    recipe: Recipe


def load_ensemble(
    weights: Sequence[Path], threshold: float | None = None, network: str | None = None
) -> Ensemble:
    """The networks of one or several weights files. ``threshold`` of the probability, above which
    liver is, replaces the one that the files state. ``network`` (``package.module:Class``) is one
    defined outside of upwind that may be imported: :func:`upwind.networks.weights.load_weights`.

    Raises:
        UpwindError: no file, a file named twice or that holds no upwind network; files that state
            different sizes or windows, or different thresholds where none is given; a threshold
            that is not between 0 and 1.
    """
    if not weights:
        raise UpwindError("no weights are given: name the file of a trained network")
    if threshold is not None and not 0 < threshold < 1:
        raise UpwindError(f"the threshold {threshold:g} is not between 0 and 1")
    twice = [path for path in weights if [p.resolve() for p in weights].count(path.resolve()) > 1]
    if twice:
        raise UpwindError(f"{twice[0]} is given twice: a network counts once")
    loaded = [load_weights(path, network) for path in weights]
    recipes = dict(zip(weights, (recipe for _, recipe in loaded), strict=True))
    _check_alike("the same in-plane size", {p: r.image_size for p, r in recipes.items()})
    _check_alike("the same HU window", {p: r.window for p, r in recipes.items()})
    recipe = loaded[0][1]
    if threshold is None:
        stated = {path: recipe.threshold for path, recipe in recipes.items()}
        _check_alike("the same threshold, or --threshold", stated)
    else:
        recipe = replace(recipe, threshold=threshold)
    return Ensemble(tuple(network for network, _ in loaded), recipe)


def _check_alike(what: str, stated: Mapping[Path, object]) -> None:
    first = next(iter(stated))
    for path, value in stated.items():
        if value != stated[first]:
            raise UpwindError(
                f"{first} was trained with {stated[first]} and {path} with {value}: networks that "
                f"segment together need {what}"
            )
