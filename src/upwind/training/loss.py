"""The loss: 1 - DSC in its squared form."""

import torch

# Added to each of the three sums [authors' code]; keeps a slice without liver defined.
SUM_FLOOR = 1e-5


def squared_dsc_loss(probability: torch.Tensor, liver: torch.Tensor) -> torch.Tensor:
    """1 - DSC of each slice, averaged over the batch: sum((y-p)^2) / (sum(y^2) + sum(p^2)), with
    1e-5 added to each sum [authors' code]. ``probability`` p and ``liver`` y are (n, 1, h, w)."""
    over = (1, 2, 3)
    apart = ((liver - probability) ** 2).sum(over) + SUM_FLOOR
    total = (liver**2).sum(over) + SUM_FLOOR + (probability**2).sum(over) + SUM_FLOOR
    return (apart / total).mean()
