"""The level set network's contour in motion over one CT, layer by layer."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from upwind.common.errors import UpwindError
from upwind.data.intensity import rescale
from upwind.data.slices import resample_volume, return_to_grid
from upwind.data.volumes import Volume
from upwind.levelset.equation import fused
from upwind.levelset.movie import Moment
from upwind.networks.lsn import LSN
from upwind.networks.weights import load_weights


@torch.inference_mode()
def network_moments(volume: Volume, weights: Path, frames: int) -> Iterator[Moment]:
    """The contour of every slice at the start and after each of ``frames`` equal numbers of the
    network's layers, on the CT's own grid.

    Raises UpwindError for weights of a network that has no contour.
    """
    network, recipe = load_weights(weights)
    if not isinstance(network, LSN):
        raise UpwindError(
            f"{weights} holds a {recipe.network}, whose contour does not move; give the weights of "
            "an lsn, such as results/demo/networks/lsn/0/weights.safetensors"
        )
    network = network.eval()
    images = resample_volume(volume, recipe.image_size, np.int16).astype(np.float32)
    slices = rescale(torch.from_numpy(images), recipe.window)[:, None]
    fields, stencils = network.fields(slices), network.stencils.detach()
    u = network.initial(recipe.image_size).expand(len(slices), -1, -1).contiguous()
    done = 0
    for frame in range(frames + 1):
        until = round(frame * network.steps / frames)
        u = fused.evolve(u, fields, stencils, network.dt, until - done)
        done = until
        inside = network.probability(u) > recipe.threshold
        mask = return_to_grid(inside.numpy().astype(np.uint8), volume.grid) > 0
        yield Moment(mask, f"layer {done} of {network.steps}, t = {done * network.dt:.1f}")
