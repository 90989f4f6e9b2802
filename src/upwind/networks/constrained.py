"""3x3 convolutions whose kernels stay in a subspace while they are learned, or as they are, and the
initial weights of each."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from upwind.networks.subspaces import span_of

# A weights file's kernels against those that its coefficients give: rounding on another machine.
_SAME = 1e-5


class ConstrainedConvolution(nn.Module):
    """In the place of ``nn.Conv2d(in_channels, out_channels, 3, padding=1)``, with kernels in the
    subspace ``span`` (of :func:`upwind.networks.subspaces.span_of`; a random one has a ``number``).

    What is learned are ``coefficients`` (out, in, dimensions) in an orthonormal basis, so that no
    step of training can leave the subspace, and nothing is learned that has no effect. ``weight``
    (out, in, 3, 3) are the kernels that they give. Both are in the state, the kernels for whoever
    reads a weights file without this class.
    """

    basis: torch.Tensor

    def __init__(self, in_channels: int, out_channels: int, span: str, number: int = 0) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.groups = (3, 3), 1
        basis = torch.tensor(span_of(span, number), dtype=torch.float32)
        self.register_buffer("basis", basis, persistent=False)
        self.coefficients = nn.Parameter(torch.empty(out_channels, in_channels, len(basis)))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        he_weights(self)

    @property
    def weight(self) -> torch.Tensor:
        """Kernels (out, in, 3, 3). Summed here, not by a matrix product, which autocast would do in
        half precision: the kernels' means would then be those of the rounding."""
        return (self.coefficients[..., None, None] * self.basis).sum(dim=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, in_channels, h, w) to (n, out_channels, h, w)."""
        return functional.conv2d(x, self.weight, self.bias, padding=1)

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "weight"] = self.weight if keep_vars else self.weight.detach()

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        # Coefficients say it all, to the bit; kernels that are not theirs are another network's.
        given = state_dict.pop(prefix + "weight", None)
        super()._load_from_state_dict(state_dict, prefix, *others)
        errors = others[-1]
        if given is not None and not errors and not self._makes(given):
            errors.append(f"{prefix}weight is not what {prefix}coefficients give")

    def _makes(self, given: torch.Tensor) -> bool:
        own = self.weight.detach()
        if own.shape != given.shape:
            return False
        return torch.allclose(own, given.to(own), rtol=_SAME, atol=_SAME * float(own.abs().max()))


def plain_convolution(in_channels: int, out_channels: int, learned: bool) -> nn.Conv2d:
    """A 3x3 convolution with any kernels, which are ``learned``, or stay as they were drawn. Its
    bias is learned."""
    layer = nn.Conv2d(in_channels, out_channels, 3, padding=1)
    layer.weight.requires_grad_(learned)
    return layer


def he_weights(layer: nn.Conv2d | ConstrainedConvolution) -> None:
    """Initial weights for ReLU (He et al. 2015), normal, and zero biases. The fan is of the free
    dimensions: a response to uncorrelated pixels keeps its variance whatever the span."""
    nn.init.kaiming_normal_(_drawn(layer), nonlinearity="relu")
    _without_bias(layer)


def glorot_weights(layer: nn.Conv2d | ConstrainedConvolution) -> None:
    """Glorot and Bengio's (2010), uniform, and zero biases: the defaults of Keras, in which the
    authors' code is written. They shrink a response from one ReLU layer to the next."""
    nn.init.xavier_uniform_(_drawn(layer))
    _without_bias(layer)


def _drawn(layer: nn.Conv2d | ConstrainedConvolution) -> torch.Tensor:
    return layer.coefficients if isinstance(layer, ConstrainedConvolution) else layer.weight


def _without_bias(layer: nn.Conv2d | ConstrainedConvolution) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
