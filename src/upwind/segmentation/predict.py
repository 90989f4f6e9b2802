"""From slices to probabilities and masks."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from upwind.data.intensity import rescale
from upwind.data.slices import resample_volume, return_to_grid
from upwind.data.volumes import Volume
from upwind.networks.weights import Recipe

_BATCH = 20  # slices


def segment_slices(
    network: nn.Module,
    images: np.ndarray,
    recipe: Recipe,
    device: torch.device | str = "cpu",
    batch_size: int = _BATCH,
) -> np.ndarray:
    """Masks (n, size, size) uint8 of slices ``images`` (n, size, size) in HU."""
    masks = np.empty(images.shape, np.uint8)
    for part, probability in _batches([network], images, recipe, device, batch_size):
        masks[part] = (probability > recipe.threshold).cpu().numpy()
    return masks


def mean_probability(
    networks: Sequence[nn.Module],
    images: np.ndarray,
    recipe: Recipe,
    device: torch.device | str,
) -> np.ndarray:
    """Probabilities of liver (n, size, size) float32 of slices ``images`` (n, size, size) in HU,
    in the mean of ``networks``, which all read the CT as ``recipe`` says."""
    mean = np.empty(images.shape, np.float32)
    for part, probability in _batches(networks, images, recipe, device, _BATCH):
        mean[part] = probability.cpu().numpy()
    return mean


def segment_volume(
    network: nn.Module, volume: Volume, recipe: Recipe, device: torch.device | str = "cpu"
) -> np.ndarray:
    """Canonical mask (x, y, z) uint8 of a CT on its own grid: every axial slice is resampled,
    segmented, and returned by nearest neighbour, as in the paper [code]."""
    images, grid = resample_volume(volume, recipe.image_size, np.int16), volume.grid
    del volume
    return return_to_grid(segment_slices(network, images, recipe, device), grid)


@torch.inference_mode()
def _batches(
    networks: Sequence[nn.Module],
    images: np.ndarray,
    recipe: Recipe,
    device: torch.device | str,
    batch_size: int,
) -> Iterator[tuple[slice, torch.Tensor]]:
    """Mean probabilities (m, size, size) of each batch of slices, and which slices these are."""
    for network in networks:
        network.eval()
        # Documented, but not among torch's annotated forms.
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        batch = torch.from_numpy(images[part].astype(np.float32)).to(device)
        batch = rescale(batch, recipe.window)[:, None].contiguous(memory_format=torch.channels_last)
        yield part, _mean([network(batch)[:, 0] for network in networks])


def _mean(probabilities: Sequence[torch.Tensor]) -> torch.Tensor:
    if len(probabilities) == 1:
        return probabilities[0]
    # In double precision, so that the order of the networks does not matter.
    total = torch.stack([p.double() for p in probabilities]).sum(dim=0)
    return (total / len(probabilities)).float()
