"""The section ``levelset``: ITK-SNAP twice, with an operator who sees the label, and blind.

The paper states only the ten minutes and the stopping rule: every value here is ours. Ranges are
those from which trials after the first two are drawn; the first two are ITK-SNAP's defaults, whose
values lie inside the ranges.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from upwind.settings.model import (
    Count,
    Different,
    NotNegative,
    Number,
    Positive,
    Range,
    Settings,
)

EngineName = Literal["simpleitk", "c3d", "torch"]
EdgeEquation = Literal["geodesic", "itk_snap"]
Sampler = Literal["tpe", "random"]
Mode = Literal["region", "edge"]

#: Of a working grid, mm; a finer one would not fit into memory.
Spacing = Annotated[float, Field(ge=0.2, le=100)]
#: Around a region of interest, mm: no scan is longer than the limit.
Margin = Annotated[float, Field(ge=0, le=5000)]
#: Of a Gaussian, voxels; one of more would be wider than any region of interest.
Sigma = Annotated[float, Field(ge=0, le=100)]

#: The equations of the edge mode that an engine solves. Convert3D computes no advection field.
EDGE_EQUATIONS_OF: Mapping[EngineName, tuple[EdgeEquation, ...]] = MappingProxyType(
    {"simpleitk": ("geodesic",), "c3d": (), "torch": ("geodesic", "itk_snap")}
)


class SearchSettings(Settings):
    """How parameters are searched for, with the label seen or not."""

    engine: EngineName = "simpleitk"
    """What moves the contour: `simpleitk`, ITK's sparse field; `c3d`, Convert3D, ITK-SNAP's
    command-line sister (`pip install picsl_c3d`, GPL; region mode alone, so every trial is one);
    `torch`, this package's own upwind scheme in a narrow band. `snakemake engines` compares them.

    Source: ours."""
    edge_equation: Annotated[EdgeEquation, Field(validate_default=True)] = "geodesic"
    """The equation in edge mode: `geodesic`, ITK's geodesic active contour, in which curvature is
    multiplied by the speed and the advection field is the gradient of the speed under a Gaussian of
    one voxel; `itk_snap`, ITK-SNAP's own, without either (engine `torch` alone).

    Source: ours: the one that every engine with an edge mode solves. With defaults, five real
    livers at 4 mm had 0.871 with it and 0.812 with ITK-SNAP's own (torch)."""
    trials: Count = 20
    """Parameter sets tried per case.

    Source: the paper's "10 min for a user to alter these parameters" at some 20 to 30 s a trial for
    a person at the screen."""
    sampler: Sampler = "tpe"
    """What proposes trials after the first `levelset.startup`: `tpe`, Optuna's tree-structured
    Parzen estimator, or `random`. On five real cases and 20 phantoms its mean DSC after 6, 12 and
    24 trials was 0.001, 0.007 and 0.004, and 0.006, 0.003 and 0.010, above that of random draws:
    from one seed the two are not told apart.

    Source: ours. Mean of the best DSC after 6, 12 and 24 trials, one seed: five real livers at 6 mm
    0.907, 0.913, 0.916 with `tpe` and 0.906, 0.906, 0.912 with `random`; 20 phantoms at 8 mm 0.848,
    0.859, 0.880 and 0.842, 0.856, 0.870."""
    startup: Annotated[int, Field(ge=2, le=10**6)] = 4
    """Trials before the sampler has a say: ITK-SNAP's two defaults, and random ones.

    Source: ours: Optuna's own ten would leave nothing of a budget of six."""
    joint: bool = True
    """`tpe` looks at a mode's parameters jointly.

    Source: ours: one by one it was no better than random draws on real cases; five real livers had
    0.908 after 24 trials."""
    chunk: Count = 20
    """Iterations between two looks, at the DSC or, blind, at the volume.

    Source: ours: one iteration moves the contour at most 1/6 voxel, so 20 are at most 3.3 voxels.
    Fewer than 10 lose motion at restarts."""
    region_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of drawn trials in region mode; the others are in edge mode.

    Source: ours: even, because on real livers now one, now the other is better."""
    default_sd: Positive = 2.0
    """Thresholds of the first trial, in standard deviations from the bubble's mean.

    Source: ours: 95 % of the bubble."""
    threshold_sd: Range[Positive] = (1.0, 4.0)
    """Range of the distance of each threshold from the bubble's mean, in standard deviations; both
    are drawn apart.

    Source: ours."""
    smoothness: Range[Positive] = (1.0, 3.5)
    """Range of the smoothness of the region speed.

    Source: ours: from a gentle slope to ITK-SNAP's default and a bit more."""
    region_sigma: Range[Sigma] = (0.0, 1.5)
    """Range of the Gaussian smoothing of the image before the region speed, in working voxels.

    Source: ours."""
    edge_sigma: Range[Annotated[Sigma, Field(gt=0)]] = (0.5, 2.0)
    """Range of the Gaussian smoothing before the edge speed, in working voxels.

    Source: ours."""
    edge_scale: Range[Positive] = (0.02, 0.2)
    """Range of the gradient, relative to the largest, at which the edge speed is 1/2; drawn on a
    log scale.

    Source: ours."""
    curvature: Range[Positive] = (0.1, 1.5)
    """Range of the curvature's weight against a propagation of 1; drawn on a log scale.

    Source: ours."""
    advection: Range[Positive] = (0.5, 5.0)
    """Range of the advection's weight against a propagation of 1, in edge mode; drawn on a log
    scale.

    Source: ours."""

    @field_validator("edge_equation")
    @classmethod
    def _solved(cls, equation: EdgeEquation, info: ValidationInfo) -> EdgeEquation:
        engine = info.data.get("engine")  # not there where it is itself at fault
        solved = EDGE_EQUATIONS_OF[engine] if engine else ()
        if solved and equation not in solved:  # whoever has no edge mode does not need one
            raise ValueError(
                f"does not fit: it has to be {' or '.join(solved)} with the engine {engine}"
            )
        return equation

    @property
    def modes(self) -> tuple[Mode, ...]:
        """Modes of ITK-SNAP that the engine knows."""
        return modes_with(EDGE_EQUATIONS_OF[self.engine])


class OperatorSettings(SearchSettings):
    """What the operator may do, who sees the label."""

    spacing_mm: Spacing = 3.0
    """Voxel size of the region of interest that the operator works on (ITK-SNAP lets users resample
    it); a trial costs about the fourth power of its inverse.

    Source: ours. On four real livers with six trials the mean DSC was 0.917 at 3 mm, 0.928 at 4 and
    0.918 at 5, with single cases for either: finer is not better by itself."""
    margin_mm: Margin = 15.0
    """Margin of the region of interest around the label's bounding box.

    Source: ours: room for leaks, which a person sees and stops, without paying for the whole
    abdomen."""
    bubble_fraction: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Radius of the bubble over the depth of the label's deepest point, where it is placed.

    Source: ours: well inside, so that its intensities are liver's alone."""
    max_iterations: Count = 600
    """A trial ends here at the latest.

    Source: ours: 600 iterations reach 100 voxels, farther than any liver."""
    least_gain: NotNegative = 0.001
    """The least gain of DSC that counts as an improvement at a look.

    Source: ours: a smaller one is not seen. Without it, contours that creep through a weak edge run
    to the last iteration."""
    patience: Count = 1
    """Looks in a row without an improvement before a trial stops.

    Source: ours."""


class BlindSection(Settings):
    """The same level set on patients whose label nobody looks at."""

    patients: Count = 16
    """Training patients of a fold, drawn by `seed`, that the blind level set learns from; a trial
    costs as many evolutions.

    Source: ours: 16 of some 105 training patients of LiTS."""
    trials: Count = 20
    """Parameter sets tried on them.

    Source: ours, as the operator's."""
    spacing_mm: Spacing = 4.0
    """Voxel size of its working grid, in tuning and on unseen patients.

    Source: ours."""
    max_iterations: Count = 400
    """An evolution ends here at the latest.

    Source: ours: 67 voxels."""
    margin_mm: Margin = 15.0
    """Margin of the region of interest around what the training patients' livers reach.

    Source: ours: room for a bubble beside its place."""
    bubble_fraction: Annotated[float, Field(gt=0, le=1)] = 0.4
    """Radius of the bubble over the least depth of the training patients' livers.

    Source: ours: smaller than the operator's, because it does not lie where the liver is
    deepest."""
    body_hu: float = -150.0
    """HU above which is body, below air.

    Source: ours: LiTS comes with HU from -1000; copies cut at about -160 exist."""


class BlindSettings(BlindSection, SearchSettings):
    """What the blind baseline may do: its own section, and the search that it has in common with
    the operator."""

    @property
    def looks(self) -> int:
        """Looks at an evolution after that at the bubble."""
        return max(1, self.max_iterations // self.chunk)


class LevelSetSection(OperatorSettings):
    """ITK-SNAP, the operator's and blind."""

    cases: Literal["all", "paper21"] | Different[Number] = "all"
    """Whom the level set segments, both of them: `all`, `paper21`, or a list of case numbers.
    `paper21` are the 21 of 131 that the paper did [code]: 3, 9, 19, 23, 24, 25, 36, 37, 44, 49, 50,
    75, 76, 77, 88, 95, 96, 101, 103, 122, 128. Every fold needs one.

    Source: ours: all patients, as the networks."""
    blind: BlindSection = BlindSection()
    """The same level set on patients whose label nobody looks at.

    Source: ours."""


def modes_with(edge_equations: tuple[EdgeEquation, ...]) -> tuple[Mode, ...]:
    """Modes of ITK-SNAP that an engine knows that solves these equations of the edge mode."""
    return ("region", "edge") if edge_equations else ("region",)


def operator_options(levelset: Mapping[str, Any]) -> dict[str, Any]:
    """Of the configuration's ``levelset:``, what :class:`OperatorSettings` takes."""
    return {key: value for key, value in levelset.items() if key in OperatorSettings.model_fields}


def blind_options(levelset: Mapping[str, Any]) -> dict[str, Any]:
    """Of the configuration's ``levelset:``, what :class:`BlindSettings` takes: its own keys, and
    those of the search that it has in common with the operator."""
    shared = SearchSettings.model_fields.keys() - BlindSection.model_fields
    return {key: value for key, value in levelset.items() if key in shared} | levelset["blind"]
