"""The level set network (LSN): layers are time steps of the upwind level set equation.

    u_t = F |grad u|  +  beta grad g . grad u  +  alpha g kappa |grad u|

All layers share nine 3x3 stencils, which start as finite differences and are learned (paper,
section IV), by default among the kernels of mean zero: the paper's condition for a kernel to be a
difference. A free stencil's sum is multiplied by u itself, tens of pixels, step after step: such
networks ran away and did not train on every fold.

F in (-1, 1) is computed from the slice by a small convolution network, once, since it does not
depend on u. u starts as the signed distance to a disc where the training patients' livers are, so
every pixel knows from the first step how far away the contour is; a binary start leaves the network
nothing to learn from, which may be what happened to the paper's fold 2.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from upwind.common.errors import UpwindError
from upwind.levelset import scheme
from upwind.levelset.edges import EDGE_CONTRAST, edge_function, sobel
from upwind.networks.prior import disc_of

TERMS = ("balloon", "transport", "curvature")
STENCIL_RULES = ("mean_zero", "free", "fixed")


class SpeedNetwork(nn.Module):
    """Slices (n, 1, h, w) to speeds F (n, h, w) in (-1, 1): dilated 3x3 convolutions with ReLU.

    Dilation lets few layers see far: with 1, 2, 4, 8 a speed depends on 31 x 31 pixels.
    """

    def __init__(self, channels: int, dilations: Sequence[int]) -> None:
        super().__init__()
        inputs = [1] + [channels] * (len(dilations) - 1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(i, channels, 3, padding=d, dilation=d)
            for i, d in zip(inputs, dilations, strict=True)
        )
        self.head = nn.Conv2d(channels, 1, 1)

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """Speed of the contour, pixels per unit time; positive grows."""
        x = slices
        for convolution in self.convolutions:
            x = functional.relu(convolution(x))
        return torch.tanh(self.head(x))[:, 0]


class LSN(nn.Module):
    """Slices (n, 1, h, w), intensities in [-1, 1], to liver probabilities (n, 1, h, w).

    ``disc`` is (row, column, radius) as shares of the slice's size; see
    :func:`upwind.training.prior.disc_of`. ``stencils`` is what learning may do to them:
    'mean_zero', 'free' or 'fixed'. ``softness`` is the width of the contour's edge as a share of
    the slice's size: probability is sigmoid(u / width).
    """

    def __init__(
        self,
        disc: tuple[float, float, float],
        steps: int = 40,
        dt: float = 0.5,
        terms: Sequence[str] = TERMS,
        channels: int = 16,
        dilations: Sequence[int] = (1, 2, 4, 8),
        edge_contrast: float = EDGE_CONTRAST,
        stencils: str = "mean_zero",
        softness: float = 1 / 64,
    ) -> None:
        super().__init__()
        unknown = sorted(set(terms) - set(TERMS))
        if unknown or not terms:
            raise UpwindError(f"lsn.terms: {unknown or 'none given'}; choose from {list(TERMS)}")
        limit = scheme.stable_time_step(1.0, 0.0, 0.0)
        if not 0 < dt <= limit:
            raise UpwindError(
                f"lsn.dt: {dt} is not in (0, {limit}], the stability limit for a speed of at most 1"
            )
        if stencils not in STENCIL_RULES:
            raise UpwindError(f"lsn.stencils: {stencils!r}; choose from {list(STENCIL_RULES)}")
        self.rule, self.softness = stencils, softness
        self._step = scheme.step
        self.disc, self.steps, self.dt, self.terms = tuple(disc), steps, dt, tuple(terms)
        self.edge_contrast = edge_contrast
        self.speed = SpeedNetwork(channels, dilations)
        self.free_stencils = nn.Parameter(
            scheme.finite_differences(), requires_grad=stencils != "fixed"
        )
        # alpha = softplus(.), beta free; both start at 0.1, small beside the balloon's 1, so that
        # dt = 0.5 stays near the stability limit of the whole equation.
        self.raw_alpha = nn.Parameter(torch.tensor(math.log(math.expm1(0.1))))
        self.beta = nn.Parameter(torch.tensor(0.1))

    @staticmethod
    def options_from(options: dict[str, Any], masks: np.ndarray) -> dict[str, Any]:
        """The user's ``options`` with what the network takes from the masks (n, size, size) of its
        training slices: the initial ``disc``, in place of ``disc_radius``."""
        options = dict(options)
        radius = options.pop("disc_radius")
        return {"disc": disc_of(masks, radius), **options}

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """Probability of liver for each pixel."""
        width = self.softness * slices.shape[-1]
        return torch.sigmoid(self.level_set(slices) / width)[:, None]

    def level_set(self, slices: torch.Tensor) -> torch.Tensor:
        """The level set function u (n, h, w) after the last step, in pixels, positive inside."""
        u = self.initial(slices.shape[-1], slices.device).expand(len(slices), -1, -1)
        fields = self.fields(slices)
        with _full_precision(slices.device):
            if slices.device.type != "cpu":
                step = self._step
                return scheme.evolve_in_chunks(u, fields, self.stencils, self.dt, self.steps, step)
            # Imported when needed: Numba takes most of a second, and not every job moves a contour.
            from upwind.levelset import fused

            return fused.evolve(u, fields, self.stencils, self.dt, self.steps)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile, with the arguments of torch.compile, the speed network and the time step that
        GPUs use. (The network as a whole is hundreds of steps: minutes to compile.)"""
        self.speed.compile(*args, **kwargs)
        self._step = torch.compile(scheme.step, *args, **kwargs)

    @property
    def stencils(self) -> torch.Tensor:
        """The nine stencils (9, 3, 3) that every layer uses."""
        free = self.free_stencils
        return free - free.mean(dim=(1, 2), keepdim=True) if self.rule == "mean_zero" else free

    def fields(self, slices: torch.Tensor) -> scheme.Fields:
        """Speed, transport velocity and curvature weight, evaluated once per slice."""
        image = slices[:, 0].contiguous()
        zero = torch.zeros_like(image)
        speed = zero
        if "balloon" in self.terms:
            speed = self.speed(slices).to(slices.dtype).contiguous()
        if self.terms == ("balloon",):
            return scheme.Fields(speed, zero, zero, zero)
        velocity_x = velocity_y = curvature = zero
        with _full_precision(slices.device):
            g = edge_function(image, self.edge_contrast)
            gradient = sobel(g) if "transport" in self.terms else ()
        if "transport" in self.terms:
            # + grad g: u grows where g does, so that the contour is drawn to g's valleys.
            velocity_x, velocity_y = (self.beta * derivative for derivative in gradient)
        if "curvature" in self.terms:
            curvature = functional.softplus(self.raw_alpha) * g
        return scheme.Fields(speed, velocity_x, velocity_y, curvature)

    def initial(self, size: int, device: torch.device | str = "cpu") -> torch.Tensor:
        """Signed distance (size, size) to the initial disc, in pixels."""
        row, column, radius = (share * size for share in self.disc)
        distance = scheme.signed_distance_to_disc(size, (row - 0.5, column - 0.5), radius)
        return distance.to(device)


def _full_precision(device: torch.device) -> torch.autocast:
    """Autocast is for the speed network's convolutions alone: a time step adds small differences of
    distances of tens of pixels, which half precision does not hold."""
    return torch.autocast(device.type, enabled=False)
