"""The simulated operator: a person with ITK-SNAP and a stated budget of trials, who knows the
answer.

The paper gave its user ten minutes to alter parameters, then let the contour evolve until DSC no
longer improved. Here the ten minutes are a number of reproducible trials. The operator looks at
the label for the region of interest, the bubble, the stopping time and the choice of the trial, so
its DSC is what the method can reach, not what it reaches on an unseen patient.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from scipy import ndimage

from upwind.common.errors import UpwindError
from upwind.data.volumes import Volume
from upwind.levelset import speeds
from upwind.levelset.engine import Engine, Weights
from upwind.levelset.engines import engine_named
from upwind.levelset.region import region_around

Range = tuple[float, float]

# CT values are stored as whole HU: a bubble of noiseless tissue still needs thresholds apart.
_LEAST_SD_HU = 1.0
# ITK-SNAP's default advection in edge mode (Logic/LevelSet).
_EDGE_ADVECTION = 2.0


@dataclass(frozen=True)
class OperatorSettings:
    """What the operator may do; names are the keys under ``levelset:`` in the configuration.

    The paper states only the ten minutes and the stopping rule: every value here is ours. Ranges
    are those from which trials after the first two are drawn; the first two are ITK-SNAP's
    defaults, whose values lie inside the ranges.
    """

    #: What moves the contour: simpleitk, c3d (ITK-SNAP's own sister) or torch (our own scheme).
    engine: str = "simpleitk"
    #: Trials: the user's ten minutes at about half a minute to a minute a try.
    trials: int = 12
    #: Voxel size of the working grid; halving it takes four to eight times as long. On four real
    #: livers with six trials the mean DSC was 0.917 at 3 mm, 0.928 at 4 and 0.918 at 5, with
    #: single cases for either: finer is not better by itself.
    spacing_mm: float = 4.0
    #: Region of interest around the label's bounding box: room for leaks, which a person sees and
    #: stops, without paying for the whole abdomen.
    margin_mm: float = 15.0
    #: The bubble's radius over the depth of its centre: well inside, so that its intensities are
    #: liver's alone.
    bubble_fraction: float = 0.6
    #: Iterations between two looks at DSC; one iteration moves the contour at most 1/6 voxel, so
    #: 20 are at most 3.3 voxels. Fewer than 10 lose motion at restarts.
    chunk: int = 20
    #: A trial ends here at the latest: 600 iterations reach 100 voxels, farther than any liver.
    max_iterations: int = 600
    #: The least gain of DSC that counts as an improvement at a look: a smaller one is not seen.
    #: Without it, contours that creep through a weak edge run to the last iteration.
    least_gain: float = 0.001
    #: Looks in a row without an improvement before a trial is stopped.
    patience: int = 1
    #: Share of drawn trials in region mode; the others are in edge mode. Even, because on real
    #: livers now one, now the other is better.
    region_share: float = 0.5
    #: The first trial's thresholds, in standard deviations from the bubble's mean: 95 % of it.
    default_sd: float = 2.0
    #: Distance of each threshold from the bubble's mean in standard deviations, drawn apart.
    threshold_sd: Range = (1.0, 4.0)
    #: Smoothness of the region speed, from a gentle slope to ITK-SNAP's default and a bit more.
    smoothness: Range = (1.0, 3.5)
    #: Gaussian smoothing of the image before the region speed, in working voxels.
    region_sigma: Range = (0.0, 1.5)
    #: Gaussian smoothing before the edge speed, in working voxels.
    edge_sigma: Range = (0.5, 2.0)
    #: Gradient, relative to the largest, at which the edge speed is 1/2; drawn on a log scale.
    edge_scale: Range = (0.02, 0.2)
    #: Curvature weight against a propagation of 1; drawn on a log scale.
    curvature: Range = (0.1, 1.5)
    #: Advection weight against a propagation of 1, in edge mode; drawn on a log scale.
    advection: Range = (0.5, 5.0)

    def __post_init__(self) -> None:
        engine_named(self.engine)
        for name in ("trials", "chunk", "max_iterations", "patience"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        for name in ("spacing_mm", "default_sd"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "above 0")
        for name in ("margin_mm", "least_gain"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        _require(
            0 < self.bubble_fraction <= 1, "bubble_fraction", self.bubble_fraction, "in (0, 1]"
        )
        _require(0 <= self.region_share <= 1, "region_share", self.region_share, "in [0, 1]")
        for field in fields(self):
            if field.type == Range:
                self._check_range(field.name)

    def _check_range(self, name: str) -> None:
        low, high = getattr(self, name)
        least_allowed = low >= 0 if name == "region_sigma" else low > 0
        _require(low <= high and least_allowed, name, [low, high], "two positive, ascending values")


@dataclass(frozen=True)
class Trial:
    """One set of parameters. Thresholds are in standard deviations from the bubble's mean; those
    of the other mode are drawn too and not used."""

    mode: str = "region"
    lower_sd: float = 2.0
    upper_sd: float = 2.0
    smoothness: float = speeds.SMOOTHNESS
    region_sigma: float = 0.0
    edge_sigma: float = speeds.EDGE_SIGMA
    edge_scale: float = speeds.EDGE_SCALE
    curvature: float = Weights.curvature
    advection: float = _EDGE_ADVECTION

    @property
    def weights(self) -> Weights:
        """Weights of the level set equation in this trial's mode."""
        advection = self.advection if self.mode == "edge" else 0.0
        return Weights(advection=advection, curvature=self.curvature)


@dataclass(frozen=True)
class OperatorResult:
    """``mask``: canonical, boolean, on the CT's own grid; ``dsc``: its DSC there. ``trials``: one
    row per trial (parameters, iterations, DSC on the working grid, seconds); ``chosen``: the row
    that ``mask`` comes from."""

    mask: np.ndarray
    dsc: float
    trials: list[dict[str, Any]]
    chosen: int


@dataclass(frozen=True)
class Evolution:
    """The best look of one evolution: its level set function, when, and its DSC."""

    level_set: np.ndarray
    iterations: int
    dsc: float


def operate(
    volume: Volume,
    label: np.ndarray,
    settings: OperatorSettings,
    seed: int | Sequence[int],
    engine: Engine | None = None,
) -> OperatorResult:
    """Segment ``volume`` (HU) as well as ITK-SNAP's method can within the budget, judged by
    ``label`` (canonical, boolean, of the volume's shape).

    ``engine`` is the one that the settings name where it is not given.

    ``seed`` goes to NumPy's generator as it is: pass ``[seed, case]`` to have cases differ. The
    same arguments give the same mask; the first trials of a larger budget are those of a smaller.

    Raises UpwindError for an empty label or one too thin for ``spacing_mm``.
    """
    label = np.asarray(label, dtype=bool)
    if label.shape != volume.array.shape:
        raise ValueError(f"label {label.shape} and volume {volume.array.shape} differ in shape")
    engine = engine or engine_named(settings.engine).evolve
    region = region_around(label, volume.grid.spacing, settings.margin_mm, settings.spacing_mm)
    image = region.to_working(volume.values(region.box[2])[region.box[:2]])
    target = region.to_working(label[region.box]) >= 0.5
    bubble = bubble_in(target, settings.bubble_fraction)
    rows, best = [], None
    for number, trial in enumerate(draw_trials(settings, seed)):
        started = time.perf_counter()
        parameters, speed = trial_speed(trial, image, bubble > 0)
        run = evolve_until_best(speed, bubble, trial.weights, target, settings, engine)
        rows.append(
            {"trial": number, **parameters, "iterations": run.iterations, "dsc": run.dsc}
            | {"seconds": round(time.perf_counter() - started, 3)}
        )
        if best is None or run.dsc > best[1].dsc:
            best = number, run
    chosen, run = best
    mask = region.to_grid(run.level_set)
    return OperatorResult(mask, dice(mask, label), rows, chosen)


def draw_trials(settings: OperatorSettings, seed: int | Sequence[int]) -> list[Trial]:
    """The trials: ITK-SNAP's region mode and edge mode with their defaults, then random ones. An
    engine without an edge mode has the same trials, all in region mode."""
    generator = np.random.default_rng(seed)
    width = settings.default_sd
    trials = [Trial("region", width, width), Trial("edge", width, width)]
    trials += [_draw(settings, generator) for _ in range(settings.trials - 2)]
    modes = engine_named(settings.engine).modes
    trials = [trial if trial.mode in modes else replace(trial, mode=modes[0]) for trial in trials]
    return trials[: settings.trials]


def bubble_in(target: np.ndarray, fraction: float) -> np.ndarray:
    """Signed distance (voxels, > 0 inside) to a sphere around the deepest voxel of ``target``
    (boolean, isotropic grid) with ``fraction`` of its depth as radius, one voxel at least.

    Depth is the distance to the nearest voxel outside; beyond the array counts as outside. Of
    equally deep voxels the first in the array's order is taken. Raises UpwindError where
    ``target`` is empty.
    """
    if not target.any():
        raise UpwindError(
            "the label is too thin to be seen on the level set's working grid; "
            "lower levelset.spacing_mm"
        )
    depth = ndimage.distance_transform_edt(np.pad(target, 1))[1:-1, 1:-1, 1:-1]
    centre = np.unravel_index(np.argmax(depth), depth.shape)
    radius = max(1.0, fraction * float(depth[centre]))
    axes = np.ogrid[tuple(slice(n) for n in target.shape)]
    squares = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True))
    return (radius - np.sqrt(squares)).astype(np.float32)


def trial_speed(
    trial: Trial, image: np.ndarray, bubble: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """The trial's speed image (shape of ``image``, HU) and its parameters as a table's row, None
    where the mode does not use one. ``bubble``: boolean, the voxels whose mean and standard
    deviation the thresholds are counted from."""
    row = dict.fromkeys(("mode", "lower_hu", "upper_hu", "smoothness", "sigma", "edge_scale"))
    row |= {"mode": trial.mode}
    row |= {name: float(getattr(trial.weights, name)) for name in ("propagation", "advection")}
    row |= {"curvature": float(trial.curvature)}
    if trial.mode == "edge":
        row |= {"sigma": trial.edge_sigma, "edge_scale": trial.edge_scale}
        return row, speeds.edge_speed(image, trial.edge_sigma, trial.edge_scale)
    # Statistics before smoothing, so that a threshold means the same in every trial.
    mean = float(image[bubble].mean())
    sd = max(float(image[bubble].std()), _LEAST_SD_HU)
    lower, upper = mean - trial.lower_sd * sd, mean + trial.upper_sd * sd
    row |= {"lower_hu": lower, "upper_hu": upper}
    row |= {"smoothness": trial.smoothness, "sigma": trial.region_sigma}
    smooth = ndimage.gaussian_filter(image, trial.region_sigma, mode="nearest")
    return row, speeds.region_speed(smooth, lower, upper, trial.smoothness)


def evolve_until_best(
    speed: np.ndarray,
    start: np.ndarray,
    weights: Weights,
    target: np.ndarray,
    settings: OperatorSettings,
    engine: Engine,
) -> Evolution:
    """Evolve ``start`` in chunks until DSC with ``target`` has not gained ``least_gain`` for
    ``patience`` looks, or to ``max_iterations``; keep the best look, the start included."""
    best = Evolution(start, 0, dice(start > 0, target))
    improved = best.dsc  # DSC at the last look that counted as an improvement
    current, done, idle = start, 0, 0
    while done < settings.max_iterations and idle < settings.patience:
        chunk = min(settings.chunk, settings.max_iterations - done)
        current = engine(speed, current, weights, chunk)
        done += chunk
        dsc = dice(current > 0, target)
        if dsc > best.dsc:
            best = Evolution(current, done, dsc)
        if dsc >= improved + settings.least_gain:
            improved, idle = dsc, 0
        else:
            idle += 1
    return best


def dice(mask: np.ndarray, target: np.ndarray) -> float:
    """DSC of two boolean arrays of which ``target`` is not empty."""
    common = int(np.count_nonzero(mask & target))
    return 2.0 * common / int(np.count_nonzero(mask) + np.count_nonzero(target))


def _draw(settings: OperatorSettings, generator: np.random.Generator) -> Trial:
    # Every trial draws every parameter, so that a change to one range leaves the rest as it was.
    def uniform(limits: Range) -> float:
        return float(generator.uniform(*limits))

    def log_uniform(limits: Range) -> float:
        return float(np.exp(generator.uniform(*np.log(limits))))

    return Trial(
        mode="region" if generator.random() < settings.region_share else "edge",
        lower_sd=uniform(settings.threshold_sd),
        upper_sd=uniform(settings.threshold_sd),
        smoothness=uniform(settings.smoothness),
        region_sigma=uniform(settings.region_sigma),
        edge_sigma=uniform(settings.edge_sigma),
        edge_scale=log_uniform(settings.edge_scale),
        curvature=log_uniform(settings.curvature),
        advection=log_uniform(settings.advection),
    )


def _require(holds: bool, name: str, value: object, what: str) -> None:
    if not holds:
        raise UpwindError(f"levelset.{name} is {value}; it has to be {what}")
