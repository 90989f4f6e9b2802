"""torch.compile, tried out before training begins, so that it fails at once and in clear words."""

import torch
from torch import nn

from upwind.common.errors import UpwindError
from upwind.training.loss import squared_dsc_loss
from upwind.training.precision import probability_in


def compile_network(
    network: nn.Module, images: torch.Tensor, masks: torch.Tensor, precision: str
) -> None:
    """Compile ``network`` in place and run one batch (n, 1, size, size) through it and back; its
    weights stay as they are. Raises UpwindError where torch cannot compile here.

    Every size of batch gets code of its own: with sizes left open, which code runs would depend on
    the batches before, and a run that was interrupted would end in other bits.
    """
    network.compile(dynamic=False)
    devices = [images.device] if images.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices):
            squared_dsc_loss(probability_in(precision, network, images), masks).backward()
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise UpwindError(
            f"training.compile: torch cannot compile here ({type(error).__name__}: {reason}); "
            "install a C++ compiler (g++) and, for a GPU, Triton, or set training.compile to false"
        ) from error
    finally:
        network.zero_grad(set_to_none=True)
