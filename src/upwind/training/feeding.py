"""Slices to the network, batch by batch: in the GPU's memory where they fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from upwind.data.intensity import rescale
from upwind.training.examples import Examples
from upwind.training.settings import TrainingSettings

# Of the GPU's free memory; the rest is for activations, some 3 GB for a batch of 20 slices of 256
# pixels, and for what others run on the same GPU.
SLICES_SHARE = 0.5


@dataclass(frozen=True)
class PlacedSlices:
    """Slices where they are kept: ``images`` (n, size, size) int16 HU and ``masks`` (n, size, size)
    uint8, on ``device``, which computes, or in the host's memory."""

    images: torch.Tensor
    masks: torch.Tensor
    device: torch.device

    def __len__(self) -> int:
        return len(self.images)


def fits_on_gpu(needed: int, free: int, share: float = SLICES_SHARE) -> bool:
    """Do slices of ``needed`` bytes stay on a GPU with ``free`` bytes? They may take ``share``."""
    return needed <= share * free


def place(parts: Sequence[Examples], device: torch.device) -> list[PlacedSlices]:
    """Put the parts of a fold where they are read from: all on the GPU where they fit together,
    else all in the host's memory. What the network is given is the same to the bit."""
    # Kept as int16 and uint8: a fold of LiTS at 256 pixels is then 2.5 GB instead of 7.
    home = torch.device("cpu")
    if device.type == "cuda":
        needed = sum(part.images.nbytes + part.masks.nbytes for part in parts)
        free, _ = torch.cuda.mem_get_info(device)
        home = device if fits_on_gpu(needed, free) else home
    return [
        PlacedSlices(
            torch.from_numpy(part.images).to(home), torch.from_numpy(part.masks).to(home), device
        )
        for part in parts
    ]


def batches(
    slices: PlacedSlices, settings: TrainingSettings, order: torch.Tensor, first: int = 0
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches (n, 1, size, size) float32 of images, rescaled to [-1, 1], and of masks, of the
    slices ``order`` (indices), from batch number ``first`` on."""
    for chosen in order.split(settings.batch_size)[first:]:
        images, masks = (_gather(a, chosen, slices.device) for a in (slices.images, slices.masks))
        batch = rescale(images.float(), settings.window)[:, None]
        # Channels last is what the CPU's and the GPU's convolutions are fastest on.
        batch = batch.contiguous(memory_format=torch.channels_last)
        yield batch, masks.float()[:, None]


def _gather(values: torch.Tensor, chosen: torch.Tensor, device: torch.device) -> torch.Tensor:
    if values.device.type == device.type:
        return values[chosen.to(device)]
    # From pinned memory the copy runs while the GPU still works on the batch before; torch takes
    # the block back only when the copy is done.
    batch = torch.empty((len(chosen), *values.shape[1:]), dtype=values.dtype, pin_memory=True)
    torch.index_select(values, 0, chosen, out=batch)
    return batch.to(device, non_blocking=True)
