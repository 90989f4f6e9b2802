"""Networks from anywhere: any 2-D torch network in the form of the pipeline's own
(``methods.NAME.network``)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from upwind.common.errors import UpwindError
from upwind.common.references import look_here, referred_to
from upwind.provenance.fingerprint import package_versions
from upwind.settings.methods import NetworkOutput


class Foreign(nn.Module):
    """Slices (n, 1, h, w), intensities in [-1, 1], to liver probabilities (n, 1, h, w) by a network
    that is imported by its name.

    Args:
        network: ``package.module:Class``.
        options: what it is built with, by name.
        output: what it answers: 'logits', of which a sigmoid (one channel) or a softmax (two
            channels, the second the liver) makes probabilities, or 'probabilities'.
        packages: versions of what defines it when it was trained; kept with the weights.

    Raises:
        UpwindError: there is no such network, it cannot be built with these options, or it is 3-D.
    """

    def __init__(
        self,
        network: str,
        options: Mapping[str, Any] | None = None,
        output: NetworkOutput = "logits",
        packages: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.name, self.output, self.packages = network, output, dict(packages or {})
        self.network = _built(network, options or {})

    @staticmethod
    def options_from(options: dict[str, Any], masks: np.ndarray) -> dict[str, Any]:
        """The user's ``options``, and the versions of what defines the network."""
        module = options["network"].partition(":")[0]
        return dict(options) | {"packages": package_versions([module])}

    @torch.inference_mode()
    def show(self, size: int) -> None:
        """Show it two slices of ``size`` pixels squared. Raises UpwindError where it does not take
        them."""
        try:
            self(torch.zeros(2, 1, size, size))
        except UpwindError:
            raise
        except Exception as error:
            raise UpwindError(
                f"{self.name} does not take slices of 1 x {size} x {size} "
                f"({type(error).__name__}: {_first_line(error)}): mend its options, or image_size"
            ) from error

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """Probability of liver for each pixel."""
        answer = _only(self.network(slices), self.name)
        n, _, h, w = slices.shape
        if answer.shape not in ((n, 1, h, w), (n, 2, h, w)):
            raise UpwindError(
                f"{self.name} answers slices of shape {tuple(slices.shape)} with "
                f"{tuple(answer.shape)}; it has to be one channel, or two, of the slices' size"
            )
        answer = answer.to(slices.dtype)  # also where the convolutions are in half
        if self.output == "probabilities":
            return answer[:, -1:]
        return torch.sigmoid(answer) if answer.shape[1] == 1 else answer.softmax(1)[:, 1:]


def try_out(options: Mapping[str, Any], size: int) -> None:
    """Build a network and show it two slices of ``size`` pixels squared, so that what it cannot do
    is said before a night of training. Raises UpwindError as :class:`Foreign`, and for a network
    that does not take such slices."""
    with torch.random.fork_rng(devices=[]):
        Foreign(**options).eval().show(size)


def _built(reference: str, options: Mapping[str, Any]) -> nn.Module:
    look_here()
    make = referred_to(reference, f"network {reference}")
    try:
        network = make(**options)
    except Exception as error:
        raise UpwindError(
            f"{reference} cannot be built with {dict(options)} ({type(error).__name__}: "
            f"{_first_line(error)})"
        ) from error
    if not isinstance(network, nn.Module):
        raise UpwindError(f"{reference} makes a {type(network).__name__}, not a torch.nn.Module")
    if any(type(part).__name__.endswith("3d") for part in network.modules()):
        raise UpwindError(
            f"{reference} is a 3-D network. Only 2-D ones can be trained here, on axial slices: "
            "build it in 2-D (MONAI: spatial_dims: 2), or give its masks as a method "
            "(methods.NAME.masks)"
        )
    return network


def _only(answer: Any, name: str) -> torch.Tensor:
    if isinstance(answer, list | tuple) and len(answer) == 1:
        (answer,) = answer  # MONAI's BasicUNetPlusPlus
    if not isinstance(answer, torch.Tensor):
        kind = f"{len(answer)} answers" if isinstance(answer, list | tuple) else type(answer)
        raise UpwindError(
            f"{name} gives {kind} in place of one tensor: switch deep supervision off, as there is "
            "no rule which of them is the segmentation"
        )
    return answer


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")
