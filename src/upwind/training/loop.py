"""The training loop, the same for every network."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from upwind.common.errors import UpwindError
from upwind.common.progress import track
from upwind.data.intensity import PAPER_WINDOW, rescale
from upwind.training.allocator import keep_large_blocks
from upwind.training.examples import Examples
from upwind.training.loss import squared_dsc_loss

CURVE_COLUMNS = ("epoch", "train_loss", "heldout_loss", "heldout_dsc", "seconds")


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained. Defaults are the paper's where it states them."""

    epochs: int
    batch_size: int = 20  # authors' code
    learning_rate: float = 1.0  # Adadelta, authors' code
    rho: float = 0.95  # Keras' Adadelta, the authors' framework (torch's own default is 0.9)
    epsilon: float = 1e-7  # Keras' Adadelta (torch's own default is 1e-6)
    window: tuple[float, float] = PAPER_WINDOW
    device: str = "auto"
    cpu_threads: int = 1  # fixed, because the number of threads changes the last bits of a sum


def choose_device(wanted: str = "auto") -> torch.device:
    """'auto' is the GPU where there is one. Raises UpwindError for a GPU that is not there."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    form = re.fullmatch(r"cpu|cuda(?::(\d+))?", wanted)
    if form is None:
        raise UpwindError(f"device {wanted!r}: choose auto, cpu, cuda or cuda:N")
    shown = torch.cuda.device_count()
    if wanted != "cpu" and int(form[1] or 0) >= shown:
        raise UpwindError(
            f"device {wanted!r} is asked for and this machine shows {shown} GPUs; set the device "
            "(training.device, --device) to auto or cpu, or check the driver and "
            "CUDA_VISIBLE_DEVICES"
        )
    return torch.device(wanted)


def use_device(wanted: str, cpu_threads: int) -> torch.device:
    """Prepare this process for work on ``wanted``: threads and memory of the CPU."""
    torch.set_num_threads(cpu_threads)
    # Far from the contour gradients fade into denormal numbers, which take the CPU 100 times as
    # long as zero does and mean as much.
    torch.set_flush_denormal(True)
    keep_large_blocks()
    return choose_device(wanted)


def train(
    network: nn.Module,
    training: Examples,
    heldout: Examples,
    settings: TrainingSettings,
    seed: int,
    name: str = "training",
) -> pd.DataFrame:
    """Train ``network`` in place by Adadelta on the squared-DSC loss; return its curves, one row
    an epoch: epoch, train_loss, heldout_loss, heldout_dsc, seconds since the start.

    ``seed`` fixes the order of the slices (the caller seeds the initial weights). Where the loss
    is no longer finite, training stops there, with the weights of the last finite epoch.
    """
    device = use_device(settings.device, settings.cpu_threads)
    network.to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.Adadelta(
        network.parameters(), lr=settings.learning_rate, rho=settings.rho, eps=settings.epsilon
    )
    order = torch.Generator().manual_seed(seed)
    held = _on_device(heldout, device)
    data = _on_device(training, device)
    rows, last_finite, start = [], _snapshot(network), time.monotonic()
    for epoch in track(range(1, settings.epochs + 1), settings.epochs, f"{name}: epoch"):
        network.train()
        losses = [
            _update(network, optimiser, images, masks)
            for images, masks in _batches(
                data, settings, torch.randperm(len(training), generator=order)
            )
        ]
        loss = float(np.average([v for v, _ in losses], weights=[n for _, n in losses]))
        heldout_loss, heldout_dsc = evaluate(network, held, settings)
        rows.append((epoch, loss, heldout_loss, heldout_dsc, time.monotonic() - start))
        if not np.isfinite([loss, heldout_loss]).all():
            network.load_state_dict(last_finite)
            break
        last_finite = _snapshot(network)
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


@torch.no_grad()
def evaluate(
    network: nn.Module, data: tuple[torch.Tensor, torch.Tensor], settings: TrainingSettings
) -> tuple[float, float]:
    """Mean squared-DSC loss over slices, and DSC at 0.5 pooled over them."""
    network.eval()
    loss = overlap = total = 0.0
    for images, masks in _batches(data, settings, torch.arange(len(data[0]))):
        probability = network(images)
        loss += float(squared_dsc_loss(probability, masks)) * len(images)
        mask = probability > 0.5
        overlap += float((mask * masks).sum())
        total += float(mask.sum() + masks.sum())
    return loss / len(data[0]), 2 * overlap / total if total else float("nan")


def _on_device(examples: Examples, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    # Kept as int16 and uint8: a fold of LiTS at 256 pixels is then 2.5 GB instead of 7.
    return tuple(torch.from_numpy(a).to(device) for a in (examples.images, examples.masks))


def _batches(
    data: tuple[torch.Tensor, torch.Tensor], settings: TrainingSettings, order: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    images, masks = data
    for chosen in order.to(images.device).split(settings.batch_size):
        batch = rescale(images[chosen].float(), settings.window)[:, None]
        # Channels last is what the CPU's and the GPU's convolutions are fastest on.
        batch = batch.contiguous(memory_format=torch.channels_last)
        yield batch, masks[chosen].float()[:, None]


def _update(
    network: nn.Module, optimiser: torch.optim.Optimizer, images: torch.Tensor, masks: torch.Tensor
) -> tuple[float, int]:
    optimiser.zero_grad(set_to_none=True)
    loss = squared_dsc_loss(network(images), masks)
    loss.backward()
    optimiser.step()
    return float(loss.detach()), len(images)


def _snapshot(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
