"""What the operator and the blind baseline may do: their settings, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from upwind.common.errors import UpwindError
from upwind.levelset.engines.registry import ENGINES

Range = tuple[float, float]
SAMPLERS = ("tpe", "random")


@dataclass(frozen=True)
class SearchSettings:
    """How parameters are searched for; names are the keys under ``levelset:`` in the
    configuration.

    The paper states only the ten minutes and the stopping rule: every value here is ours. Ranges
    are those from which trials after the first two are drawn; the first two are ITK-SNAP's
    defaults, whose values lie inside the ranges.
    """

    #: What moves the contour: SimpleITK, Convert3D (ITK-SNAP's sister) or our own scheme.
    engine: str = "simpleitk"
    #: Of the two equations of the edge mode, the one that every engine with that mode solves. With
    #: defaults, five real livers at 4 mm had 0.871 with it and 0.812 with ITK-SNAP's own (torch).
    edge_equation: str = "geodesic"
    #: Trials: the user's ten minutes at about half a minute to a minute a try.
    trials: int = 12
    #: What proposes trials after the first ones. Mean of the best DSC after 6, 12 and 24 trials,
    #: one seed: five real livers at 6 mm 0.907, 0.913, 0.916 with tpe and 0.906, 0.906, 0.912 with
    #: random; 20 phantoms at 8 mm 0.848, 0.859, 0.880 and 0.842, 0.856, 0.870.
    sampler: str = "tpe"
    #: Trials before the sampler has a say: ITK-SNAP's two defaults, and random ones. Optuna's own
    #: ten would leave nothing of a budget of six.
    startup: int = 4
    #: Estimate the parameters of a mode jointly; one by one, five real livers had 0.908 after 24
    #: trials, less than with random draws.
    joint: bool = True
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

    @property
    def modes(self) -> tuple[str, ...]:
        """Modes of ITK-SNAP that the engine knows."""
        return ENGINES[self.engine].modes

    def _check_edge_equation(self) -> None:
        solved = ENGINES[self.engine].edge_equations
        if solved:  # whoever has no edge mode does not need one
            _require(
                self.edge_equation in solved,
                "edge_equation",
                self.edge_equation,
                f"{' or '.join(solved)} with the engine {self.engine}",
            )

    def __post_init__(self) -> None:
        _at_least_one(self, "trials")
        _require(self.engine in ENGINES, "engine", self.engine, " or ".join(ENGINES))
        self._check_edge_equation()
        _require(self.startup >= 2, "startup", self.startup, "2 or more")
        _require(self.sampler in SAMPLERS, "sampler", self.sampler, " or ".join(SAMPLERS))
        _require(self.default_sd > 0, "default_sd", self.default_sd, "above 0")
        _require(0 <= self.region_share <= 1, "region_share", self.region_share, "in [0, 1]")
        for field in fields(self):
            if field.type == Range:
                self._check_range(field.name)

    def _check_range(self, name: str) -> None:
        low, high = getattr(self, name)
        least_allowed = low >= 0 if name == "region_sigma" else low > 0
        _require(low <= high and least_allowed, name, [low, high], "two positive, ascending values")


@dataclass(frozen=True)
class OperatorSettings(SearchSettings):
    """What the operator may do; names are the keys under ``levelset:`` in the configuration."""

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

    def __post_init__(self) -> None:
        super().__post_init__()
        _at_least_one(self, "chunk", "max_iterations", "patience")
        _require(self.spacing_mm > 0, "spacing_mm", self.spacing_mm, "above 0")
        for name in ("margin_mm", "least_gain"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        _require(
            0 < self.bubble_fraction <= 1, "bubble_fraction", self.bubble_fraction, "in (0, 1]"
        )


@dataclass(frozen=True)
class BlindSettings(SearchSettings):
    """What the blind baseline may do; ``patients``, ``trials``, ``spacing_mm``,
    ``max_iterations``, ``margin_mm``, ``bubble_fraction`` and ``body_hu`` are keys under
    ``levelset.blind:`` in the configuration, the others those of the operator's search."""

    #: Training patients of a fold that the parameters are tuned on; a trial costs as many
    #: evolutions.
    patients: int = 8
    #: Voxel size of the working grid, in tuning and on unseen patients alike.
    spacing_mm: float = 4.0
    #: Room about as far as the training patients' livers reach, for a bubble beside its place.
    margin_mm: float = 15.0
    #: The bubble's radius over the least depth of the training patients' livers: smaller than the
    #: operator's, because it does not lie where the liver is deepest.
    bubble_fraction: float = 0.4
    #: Above it is body, below air. LiTS comes with HU from -1000; copies cut at about -160 exist.
    body_hu: float = -150.0
    #: Iterations between two looks, as the operator's.
    chunk: int = 20
    #: An evolution ends here at the latest.
    max_iterations: int = 400

    @property
    def looks(self) -> int:
        """Looks at an evolution after that at the bubble."""
        return max(1, self.max_iterations // self.chunk)

    def __post_init__(self) -> None:
        super().__post_init__()
        _at_least_one(self, "patients", "chunk", "max_iterations")
        for name in ("spacing_mm", "bubble_fraction"):
            _require(getattr(self, name) > 0, f"blind.{name}", getattr(self, name), "above 0")
        _require(self.margin_mm >= 0, "blind.margin_mm", self.margin_mm, "0 or more")


def operator_options(levelset: Mapping[str, Any]) -> dict[str, Any]:
    """Of the configuration's ``levelset:``, what :class:`OperatorSettings` takes."""
    known = {field.name for field in fields(OperatorSettings)}
    return {key: value for key, value in levelset.items() if key in known}


def blind_options(levelset: Mapping[str, Any]) -> dict[str, Any]:
    """Of the configuration's ``levelset:``, what :class:`BlindSettings` takes: its own keys, and
    those of the search that it has in common with the operator."""
    shared = {field.name for field in fields(SearchSettings)} - {"trials"} | {"chunk"}
    return {key: value for key, value in levelset.items() if key in shared} | levelset["blind"]


def _at_least_one(settings: SearchSettings, *names: str) -> None:
    for name in names:
        _require(getattr(settings, name) >= 1, name, getattr(settings, name), "1 or more")


def _require(holds: bool, name: str, value: object, what: str) -> None:
    if not holds:
        raise UpwindError(f"levelset.{name} is {value}; it has to be {what}")
