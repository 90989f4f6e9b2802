"""The edge function g of the paper's level set equation, in 2-D, on tensors."""

import torch
from torch.nn import functional

# g = 1 / (1 + c n), n = |grad I|^4 over its maximum; Sobel gradients and c = 20 [authors' code].
EDGE_CONTRAST = 20.0


def edge_function(image: torch.Tensor, contrast: float = EDGE_CONTRAST) -> torch.Tensor:
    """g in (0, 1], (n, h, w), near 0 on the edges of ``image`` (n, h, w). The maximum is taken
    over each slice; an image without edges gives 1 everywhere."""
    x, y = sobel(image)
    strength = (x**2 + y**2) ** 2
    largest = strength.amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(image.dtype).tiny)
    return 1 / (1 + contrast * strength / largest)


def sobel(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sobel derivatives along columns (x) and rows (y), each (n, h, w), borders replicated."""
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=image.dtype) / 8
    kernels = torch.stack([kernel, kernel.T])[:, None].to(image.device)
    padded = functional.pad(image[:, None], (1, 1, 1, 1), mode="replicate")
    x, y = functional.conv2d(padded, kernels).unbind(1)
    return x, y
