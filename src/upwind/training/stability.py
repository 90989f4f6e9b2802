"""The stable time step of a level set network after training.

Only its construction is guarded: ``lsn.dt`` is at most the limit of the balloon term. The limit of
the whole equation follows from what was learned, the weights of transport and curvature.
"""

import torch
from torch import nn

from upwind.data.intensity import rescale
from upwind.levelset.equation import solver
from upwind.levelset.equation.scheme import Fields
from upwind.networks.lsn import LSN
from upwind.training.examples import Examples

_BATCH = 20  # slices


def stable_time_step(network: LSN, images: torch.Tensor) -> float:
    """The largest stable time step of the network's equation on slices (n, 1, h, w), intensities in
    [-1, 1]: that of the scheme with finite differences, whatever became of its stencils
    (:func:`upwind.levelset.equation.limits.stable_time_step`)."""
    limits = []
    with torch.inference_mode():
        for part in images.split(_BATCH):
            for fields in zip(*network.fields(part), strict=True):
                alone = Fields(*(field[None] for field in fields))
                limits.append(solver.stability_limit(alone, (1.0, 1.0)))
    return min(limits)


def stability_line(
    network: nn.Module, heldout: Examples, window: tuple[float, float], name: str
) -> str | None:
    """What a training's log says of it; None of other networks."""
    if not isinstance(network, LSN):
        return None
    device = next(network.parameters()).device
    images = rescale(torch.from_numpy(heldout.images).to(device).float(), window)[:, None]
    limit = stable_time_step(network, images)
    beyond = "beyond" if network.dt > limit else "within"
    return (
        f"{name}: the largest time step that is stable by the whole equation is {limit:.3f} on the "
        f"held-out slices; lsn.dt, {network.dt:g}, is {beyond} it"
    )
