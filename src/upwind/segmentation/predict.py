"""From slices to masks."""

import numpy as np
import torch
from torch import nn

from upwind.data.intensity import rescale
from upwind.data.slices import resample_volume, return_to_grid
from upwind.data.volumes import Volume
from upwind.networks.weights import Recipe


@torch.inference_mode()
def segment_slices(
    network: nn.Module,
    images: np.ndarray,
    recipe: Recipe,
    device: torch.device | str = "cpu",
    batch_size: int = 20,
) -> np.ndarray:
    """Masks (n, size, size) uint8 of slices ``images`` (n, size, size) in HU."""
    network.eval()
    # Documented, but not among torch's annotated forms.
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    masks = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        batch = torch.from_numpy(images[part].astype(np.float32)).to(device)
        batch = rescale(batch, recipe.window)[:, None].contiguous(memory_format=torch.channels_last)
        masks[part] = (network(batch)[:, 0] > recipe.threshold).cpu().numpy()
    return masks


def segment_volume(
    network: nn.Module, volume: Volume, recipe: Recipe, device: torch.device | str = "cpu"
) -> np.ndarray:
    """Canonical mask (x, y, z) uint8 of a CT on its own grid: every axial slice is resampled,
    segmented, and returned by nearest neighbour, as in the paper [code]."""
    images, grid = resample_volume(volume, recipe.image_size, np.int16), volume.grid
    del volume
    return return_to_grid(segment_slices(network, images, recipe, device), grid)
