"""The edge function g of the paper's level set equation, in 2-D, on tensors."""

import torch
from torch import nn
from torch.nn import functional


def edge_function(image: torch.Tensor, contrast: float) -> torch.Tensor:
    """g = 1 / (1 + c n), (n, h, w), in (0, 1], near 0 on the edges of ``image`` (n, h, w): c the
    ``contrast``, n = |grad I|^4 over its maximum, gradients by Sobel's stencils [authors' code].
    The maximum is taken over each slice; an image without edges gives 1 everywhere."""
    return _edges(*sobel(image), contrast)


def _edges(x: torch.Tensor, y: torch.Tensor, contrast: float | torch.Tensor) -> torch.Tensor:
    strength = (x**2 + y**2) ** 2
    largest = strength.amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
    return 1 / (1 + contrast * strength / largest)


class EdgeFunction(nn.Module):
    """The edge function as a part of a network; ``learned`` lets its two stencils and its contrast
    go from where :func:`edge_function` has them. The contrast stays above 0."""

    def __init__(self, contrast: float, learned: bool = False) -> None:
        super().__init__()
        self.contrast = contrast
        self.log_contrast = nn.Parameter(torch.tensor(0.0)) if learned else None
        self.kernels = nn.Parameter(sobel_kernels(torch.float32)) if learned else None

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """g in (0, 1] of images, both (n, h, w)."""
        if self.kernels is None or self.log_contrast is None:
            return edge_function(image, self.contrast)
        contrast = self.contrast * torch.exp(self.log_contrast)
        return _edges(*_correlate(image, self.kernels), contrast)


def sobel(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sobel derivatives along columns (x) and rows (y), each (n, h, w), borders replicated."""
    return _correlate(image, sobel_kernels(image.dtype).to(image.device))


def sobel_kernels(dtype: torch.dtype) -> torch.Tensor:
    """The two Sobel stencils (2, 3, 3), along columns and along rows, scaled to derivatives."""
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=dtype) / 8
    return torch.stack([kernel, kernel.T])


def _correlate(image: torch.Tensor, kernels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    padded = functional.pad(image[:, None], (1, 1, 1, 1), mode="replicate")
    x, y = functional.conv2d(padded, kernels[:, None].to(image.dtype)).unbind(1)
    return x, y
