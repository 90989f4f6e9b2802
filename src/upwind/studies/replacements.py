"""What a UNet's accuracy needs of its kernels: they are replaced, layer by layer, and nothing is
trained again.

The network segments its unseen patients with the kernels of one layer replaced, then of the next,
with those of groups of layers, and of all layers at once. How far the weights were moved stands
beside the change of the DSC: a large change and an important layer are two things.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from upwind.common.errors import UpwindError
from upwind.common.progress import track
from upwind.kernels.replacements import Replacement, changed_kernels, relative_norm
from upwind.kernels.since_start import strange_layers, warn_of_start
from upwind.kernels.unet import before_training
from upwind.networks.patching import Answer, answering, convolving, layer_kernels
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe
from upwind.scores.metrics import overlap
from upwind.segmentation.predict import segment_slices
from upwind.studies.scores import slices_of_cases

ALL = "all"  # layers, in the place of a layer's number
COLUMNS = ("layer", "draw", "case", "dsc", "change", "kernels", "relative_norm")

_BATCH = 20  # slices
_COUNTS = ("overlap_voxels", "mask_voxels", "label_voxels")


@dataclass(frozen=True)
class Exchange:
    """Other kernels for some layers: ``weights`` (out, in, 3, 3) by the layer's index (from 0),
    ``layer`` is its number (from 1), a group ('7-12') or 'all', ``draw`` (from 0) which of
    several."""

    layer: str
    draw: int
    weights: Mapping[int, np.ndarray]
    kernels: int
    relative_norm: float


def kernels_of(network: nn.Module, what: object) -> list[np.ndarray]:
    """Weights (out, in, 3, 3) of a UNet's 3x3 layers, in order of execution. Raises UpwindError for
    ``what`` is not a UNet."""
    if not isinstance(network, UNet):
        raise UpwindError(f"{what} is not a unet; kernels are replaced in one")
    return [layer_kernels(layer) for layer in network.layers()]


def kernels_before_training(recipe: Recipe, seed: int) -> list[np.ndarray]:
    """The same of the network of a recipe before training with this seed
    (:func:`upwind.kernels.unet.before_training`)."""
    return kernels_of(before_training(recipe, seed), "the network of the recipe")


def check_start(
    weights: Sequence[np.ndarray], start: Sequence[np.ndarray], what: object, seed: int
) -> None:
    """Raises UpwindError where nothing says in any layer that the ``weights`` of ``what`` began as
    ``start``, built again from ``seed``; warns where nothing says so in some
    (:func:`upwind.kernels.since_start.strange_layers`)."""
    strange = strange_layers(weights, start)
    if len(strange) == len(weights):
        raise UpwindError(
            f"{what}: no layer's weights are correlated with those before training that seed "
            f"{seed} gives, so that these are not what it began with; train it again with this "
            "version of torch, or leave `initial` out of replacements.replacements"
        )
    warn_of_start(strange)


def exchanges(
    weights: Sequence[np.ndarray],
    start: Sequence[np.ndarray],
    replacement: Replacement,
    draws: int,
    seed: Sequence[int],
    together: Sequence[str],
) -> list[Exchange]:
    """Each layer's kernels replaced, those of layers ``together`` (first and last of them, as
    '7-12') and those of all layers at once, ``draws`` times; ``start`` are the layers' weights
    before training.

    A layer's generator is seeded by ``seed``, the layer and the draw: more draws leave the first
    ones as they are, and groups and 'all' take what the layers take one by one.
    """
    found = []
    for draw in range(draws):
        changed = {
            index: replacement(array, np.random.default_rng([*seed, index + 1, draw]), untrained)
            for index, (array, untrained) in enumerate(zip(weights, start, strict=True))
        }
        parts = [(str(index + 1), {index: changed[index]}) for index in changed]
        for group in together:
            first, last = sorted(map(int, group.split("-")))
            parts.append((group, {index: changed[index] for index in range(first - 1, last)}))
        for layer, part in [*parts, (ALL, changed)]:
            before, after = [weights[index] for index in part], list(part.values())
            count = sum(map(changed_kernels, before, after))
            norm = relative_norm(*(np.concatenate([a.ravel() for a in s]) for s in (before, after)))
            found.append(Exchange(layer, draw, part, count, norm))
    return found


def replacement_scores(
    network: UNet,
    recipe: Recipe,
    files: Iterable[str | os.PathLike[str]],
    cases: Collection[int],
    device: torch.device,
    replaced: Sequence[Exchange],
) -> pd.DataFrame:
    """One row per exchange of ``replaced`` and patient of ``cases``: ``COLUMNS``. ``dsc`` is that
    of all slices of the patient, as in :func:`upwind.studies.scores.unseen_scores`, ``change`` its
    difference to the network as trained, which is left as it was."""
    rows = []
    given = track(slices_of_cases(files, cases), len(cases), "kernels replaced: patient")
    for slices in given:
        counts = np.zeros((1 + len(replaced), len(_COUNTS)), int)
        for start in range(0, len(slices.image), _BATCH):
            part = slice(start, start + _BATCH)
            label = slices.label[part] > 0
            masks = _masks(network, recipe, slices.image[part], device, replaced)
            for place, mask in enumerate(masks):
                scores = overlap(mask, label)
                counts[place] += [scores[name] for name in _COUNTS]
        both, *sizes = counts.T
        total = np.sum(sizes, axis=0)
        dsc = np.divide(2 * both, total, out=np.full(len(total), np.nan), where=total > 0)
        rows += [
            (e.layer, e.draw, slices.case, one, one - dsc[0], e.kernels, e.relative_norm)
            for e, one in zip(replaced, dsc[1:].tolist(), strict=True)
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _masks(
    network: UNet,
    recipe: Recipe,
    images: np.ndarray,
    device: torch.device,
    replaced: Sequence[Exchange],
) -> Iterator[np.ndarray]:
    """Boolean masks of ``images`` (n, size, size), one batch, as trained and after each exchange.

    The layers before the first that an exchange changes answer what they answered as trained; they
    are most of the work, as the first of all see the slices at their full size.
    """
    layers, outputs = network.layers(), []

    def keep(layer: nn.Module, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        outputs.append(output)

    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        yield segment_slices(network, images, recipe, device, _BATCH) > 0
    finally:
        for hook in hooks:
            hook.remove()
    for exchange in replaced:
        answers: dict[nn.Module, Answer] = {
            layers[i]: _constant(outputs[i]) for i in range(min(exchange.weights))
        }
        answers |= {layers[i]: convolving(layers[i], w) for i, w in exchange.weights.items()}
        with answering(answers):
            mask = segment_slices(network, images, recipe, device, _BATCH) > 0
        yield mask


def _constant(output: torch.Tensor) -> Answer:
    return lambda x: output
