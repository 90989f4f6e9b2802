"""The level set network (LSN): layers are time steps of the upwind level set equation.

    u_t = F |grad u|  +  beta grad g . grad u  +  alpha g kappa |grad u|

All layers share nine 3x3 stencils, which start as finite differences and are learned (paper,
section IV), by default among the kernels of mean zero: the paper's condition for a kernel to be a
difference. A free stencil's sum is multiplied by u itself, tens of pixels, step after step: such
networks ran away and did not train on every fold.

F in (-1, 1) is computed from the slice by a small convolution network, once, since it does not
depend on u. u starts as the signed distance to a disc where the training patients' livers are, so
every pixel knows from the first step how far away the contour is. A binary start, 0 outside the
disc, is nowhere below 0: where the speed is positive all of a slice counts as liver. That came of
the demo's fold 2 (``docs/studies.md``), and may be what happened to the paper's.
"""

import math
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from upwind.common.errors import UpwindError
from upwind.common.tuples import triple
from upwind.levelset.equation import scheme
from upwind.levelset.equation.edges import EdgeFunction, sobel
from upwind.levelset.equation.limits import GRADIENT_FLOOR
from upwind.networks.prior import Disc, disc_of
from upwind.networks.speed import SpeedNetwork, start_of
from upwind.settings.lsn import (
    LEAST_KEPT_STEPS,
    Differences,
    Edge,
    LSNSettings,
    Readout,
    Start,
    StencilRule,
    Term,
)

TERMS, STENCIL_RULES, EDGES, READOUTS = map(get_args, (Term, StencilRule, Edge, Readout))
STARTS, DIFFERENCES = map(get_args, (Start, Differences))
_DEFAULT = LSNSettings()

_BATCH = 20  # slices at a time, whose fields are looked at


class LSN(nn.Module):
    """Slices (n, 1, h, w), intensities in [-1, 1], to liver probabilities (n, 1, h, w).

    ``disc`` is (row, column, radius) as shares of the slice's size; see
    :func:`upwind.networks.prior.disc_of`. With the ``start`` 'distance' u begins as the distance to
    it, with 'binary' as 1 in it and 0 outside; with 'central' ``differences`` the one-sided ones
    begin as central ones, which makes the scheme central. ``upwind_stencils`` and
    ``curvature_stencils`` say what learning may do to the four one-sided and to the five central
    differences: 'mean_zero', 'free' or 'fixed'; ``edge`` whether the edge function's stencils and
    contrast are 'learned' or 'fixed'.
    ``softness`` is the width of the contour's edge as a share of the slice's size: probability is
    sigmoid(distance / width), distance being u itself with the ``readout`` 'level_set', or with
    'distance' what u says of the distance to the contour (:func:`distance_from`). ``channels``,
    ``dilations``, ``sees_start`` and ``initial_weights`` are the speed network's.

    ``kept_steps`` bounds the memory of training, whatever the number of steps: of so many at most
    is u kept for the backward pass. None: of all of them on CPU, of about sqrt(steps) on a GPU.
    """

    def __init__(
        self,
        disc: Disc,
        steps: int = _DEFAULT.steps,
        dt: float = _DEFAULT.dt,
        terms: Sequence[str] = _DEFAULT.terms,
        channels: int = _DEFAULT.channels,
        dilations: Sequence[int] = _DEFAULT.dilations,
        sees_start: bool = _DEFAULT.sees_start,
        initial_weights: str = _DEFAULT.initial_weights,
        edge: str = _DEFAULT.edge,
        edge_contrast: float = _DEFAULT.edge_contrast,
        upwind_stencils: str = _DEFAULT.upwind_stencils,
        curvature_stencils: str = _DEFAULT.curvature_stencils,
        softness: float = _DEFAULT.softness,
        readout: str = _DEFAULT.readout,
        kept_steps: int | None = _DEFAULT.kept_steps,
        start: str = _DEFAULT.start,
        differences: str = _DEFAULT.differences,
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
        rules = {"upwind_stencils": upwind_stencils, "curvature_stencils": curvature_stencils}
        for name, value, known in (
            *((name, rule, STENCIL_RULES) for name, rule in rules.items()),
            ("edge", edge, EDGES),
            ("readout", readout, READOUTS),
            ("start", start, STARTS),
            ("differences", differences, DIFFERENCES),
        ):
            if value not in known:
                raise UpwindError(f"lsn.{name}: {value!r}; choose from {list(known)}")
        if kept_steps is not None and kept_steps < LEAST_KEPT_STEPS:
            raise UpwindError(f"lsn.kept_steps: {kept_steps} is not {LEAST_KEPT_STEPS} or more")
        self.rules = tuple(rules.values())
        self.softness, self.readout, self.kept_steps = softness, readout, kept_steps
        self.start, self.differences = start, differences
        self._step = scheme.step
        self.disc, self.steps, self.dt, self.terms = triple(disc), steps, dt, tuple(terms)
        self.edge = EdgeFunction(edge_contrast, learned=edge == "learned")
        self.speed = SpeedNetwork(channels, dilations, sees_start, initial_weights)
        stencils = scheme.finite_differences()
        if differences == "central":
            # relu(D)^2 + relu(-D)^2 is D^2, and v D is v D whatever the sign of v.
            stencils[scheme.UPWIND] = stencils[[scheme.X, scheme.X, scheme.Y, scheme.Y]]
        parts = (stencils[part] for part in (scheme.UPWIND, scheme.CENTRAL))
        self.free_stencils = nn.ParameterList(
            nn.Parameter(part.clone(), requires_grad=rule != "fixed")
            for part, rule in zip(parts, self.rules, strict=True)
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
        return self.probability(self.level_set(slices))[:, None]

    def probability(self, u: torch.Tensor) -> torch.Tensor:
        """Probability of liver (n, h, w) that a level set function (n, h, w) stands for."""
        width = self.softness * u.shape[-1]
        with _full_precision(u.device):
            distance = distance_from(u) if self.readout == "distance" else u
            return torch.sigmoid(distance / width)

    def level_set(self, slices: torch.Tensor) -> torch.Tensor:
        """The level set function u (n, h, w) after the last step, in pixels, positive inside."""
        u = self.initial(slices.shape[-1], slices.device).expand(len(slices), -1, -1)
        fields = self.fields(slices)
        with _full_precision(slices.device):
            given = u, fields, self.stencils, self.dt, self.steps
            if slices.device.type != "cpu":
                step = self._step
                return scheme.evolve_in_chunks(*given, step, kept_steps=self.kept_steps)
            # Imported when needed: Numba takes most of a second, and not every job moves a contour.
            from upwind.levelset.equation import fused

            return fused.evolve(*given, kept_steps=self.kept_steps)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile, with the arguments of torch.compile, the speed network and the time step that
        GPUs use. (The network as a whole is hundreds of steps: minutes to compile.)"""
        self.speed.compile(*args, **kwargs)
        self._step = torch.compile(scheme.step, *args, **kwargs)

    @property
    def stencils(self) -> torch.Tensor:
        """The nine stencils (9, 3, 3) that every layer uses."""
        parts = zip(self.free_stencils, self.rules, strict=True)
        return torch.cat([_kept(free, rule) for free, rule in parts])

    def fields(self, slices: torch.Tensor) -> scheme.Fields:
        """Speed, transport velocity and curvature weight, evaluated once per slice."""
        image = slices[:, 0].contiguous()
        zero = torch.zeros_like(image)
        speed = zero
        if "balloon" in self.terms:
            start = start_of(self.disc, slices.shape[-1]).to(slices.device)
            speed = torch.tanh(self.speed(slices, start)).to(slices.dtype).contiguous()
        if self.terms == ("balloon",):
            return scheme.Fields(speed, zero, zero, zero)
        velocity_x = velocity_y = curvature = zero
        with _full_precision(slices.device):
            g = self.edge(image)
            gradient = sobel(g) if "transport" in self.terms else ()
        if "transport" in self.terms:
            # + grad g: u grows where g does, so that the contour is drawn to g's valleys.
            velocity_x, velocity_y = (self.beta * derivative for derivative in gradient)
        if "curvature" in self.terms:
            curvature = functional.softplus(self.raw_alpha) * g
        return scheme.Fields(speed, velocity_x, velocity_y, curvature)

    def stable_time_step(self, slices: torch.Tensor) -> float:
        """The largest stable time step of its equation on slices (n, 1, h, w), intensities in
        [-1, 1]: that of the scheme with finite differences, whatever became of its stencils
        (:func:`upwind.levelset.equation.limits.stable_time_step`). Of central differences or free
        stencils no limit is known, and this one is not theirs: transport alone, by central
        differences, is stable at no time step.

        Only the construction is guarded: ``dt`` is at most the limit of the balloon term. That of
        the whole equation follows from what was learned, the weights of transport and curvature.
        """
        limits = []
        with torch.inference_mode():
            for part in slices.split(_BATCH):
                for fields in zip(*self.fields(part), strict=True):
                    alone = scheme.Fields(*(field[None] for field in fields))
                    limits.append(scheme.stability_limit(alone, (1.0, 1.0)))
        return min(limits)

    def remark(self, slices: torch.Tensor) -> str:
        """What the log of its training says; see :class:`upwind.networks.network.Remarking`."""
        unknown = self._without_limit()
        if unknown:
            return f"no time step is known to be stable with {' and '.join(unknown)}"
        limit = self.stable_time_step(slices)
        beyond = "beyond" if self.dt > limit else "within"
        return (
            f"the largest time step that is stable by the whole equation is {limit:.3f} on the "
            f"held-out slices; lsn.dt, {self.dt:g}, is {beyond} it"
        )

    def _without_limit(self) -> list[str]:
        """What its terms are computed with that no stable time step is known of."""
        upwind, curvature = self.rules
        one_sided = {"balloon", "transport"} & set(self.terms)
        found = ["central differences"] if one_sided and self.differences == "central" else []
        if (one_sided and upwind == "free") or ("curvature" in self.terms and curvature == "free"):
            found.append("free stencils")
        return found

    def initial(self, size: int, device: torch.device | str = "cpu") -> torch.Tensor:
        """What u (size, size) begins as: the signed distance to the initial disc in pixels, or 1 in
        it and 0 outside."""
        distance = start_of(self.disc, size).to(device)
        return distance if self.start == "distance" else (distance > 0).to(distance.dtype)


def distance_from(u: torch.Tensor) -> torch.Tensor:
    """Distance to the contour in pixels, near it, from level set functions u (n, h, w):
    u / max(|grad u|, 1), positive inside.

    u starts as a distance, but a speed that changes its sign at the contour makes it steeper with
    every step, several times over: an edge that was a pixel wide in u becomes so sharp that hardly
    a pixel is left to tell training where to go. The contour itself, u = 0, stays where it is.
    """
    padded = functional.pad(u[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    along_x = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    along_y = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    # Not by a square root, which torch rounds otherwise on other makers' processors.
    flatness = torch.rsqrt(along_x**2 + along_y**2 + GRADIENT_FLOOR)
    return u * flatness.clamp_max(1.0)


def _kept(stencils: torch.Tensor, rule: str) -> torch.Tensor:
    """What a rule makes of free stencils (k, 3, 3)."""
    if rule == "mean_zero":
        return stencils - stencils.mean(dim=(1, 2), keepdim=True)
    return stencils


def _full_precision(device: torch.device) -> torch.autocast:
    """Autocast is for the speed network's convolutions alone: a time step adds small differences of
    distances of tens of pixels, which half precision does not hold."""
    return torch.autocast(device.type, enabled=False)
