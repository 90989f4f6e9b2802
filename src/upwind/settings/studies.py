"""The sections ``variants``, ``studies`` and ``replacements``: one thing changed at a time."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field

from upwind.settings.methods import Postprocessing
from upwind.settings.model import Count, Different, Number, Settings, Share

Replacement = Literal[
    "centroid",
    "nearest",
    "mean_zero",
    "differences",
    "first_order",
    "shuffled",
    "gaussian",
    "initial",
    "zero",
]
VariantPostprocessing = Postprocessing | Literal["connected_with_disc"]
_LAYER = "([1-9]|1[0-8])"
LayerGroup = Annotated[str, Field(pattern=f"^{_LAYER}-{_LAYER}$", examples=["7-12"])]
FoldChoice = Literal["all"] | Different[Number]


#: Names by which something else is asked for.
_TAKEN = ("replacements", "plateau")


def _not_taken(name: str) -> str:
    if name in _TAKEN:
        raise ValueError("is the name of something else: choose another")
    return name


VariantName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
#: Asked for by its name, as ``snakemake plateau`` is.
StudyName = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]*$", json_schema_extra={"not": {"enum": list(_TAKEN)}}),
    AfterValidator(_not_taken),
]


class Variant(Settings):
    """A network with settings of its own. These, in ``model_extra``, are checked with the section
    of the network named in ``of`` (:mod:`upwind.settings.check`)."""

    model_config = ConfigDict(extra="allow")

    of: str
    """The network that it is a variant of.

    Source: ours."""
    network: str | None = None
    """A part of that network, taken alone.

    Source: ours."""
    postprocess: VariantPostprocessing | None = None
    """What is done to its segmentations before they are scored: `largest_component` keeps the
    largest 3-D component of voxels that share faces; `connected_with_disc` keeps, in each slice,
    the components that share a pixel with the LSN's initial disc. Nothing is trained for it:
    variants that differ in nothing else share their trainings.

    Source: ours: a contour starts as one disc, so that a network without one is compared with it at
    the same connectivity."""

    @property
    def own(self) -> dict[str, Any]:
        """Settings in place of the network's."""
        return dict(self.model_extra or {})


class Study(Settings):
    """Variants, trained and compared with the first of them, or with others of them."""

    variants: Different[str]
    """Names in `variants`; the first is what the others are compared with, unless `against` says
    otherwise.

    Source: ours."""
    against: dict[str, str] = Field(default_factory=dict)
    """Of variants that are compared with another than the first, by name, that other one.

    Source: ours: one thing at a time, so that what a contour is worth at equal connectivity is the
    difference to a network without one at the same connectivity."""
    folds: FoldChoice
    """`all`, or a list.

    Source: ours."""
    seeds: Different[Number]
    """Seeds of the initial weights, the order of slices and the choice of patients.

    Source: ours."""
    patients: Different[Literal["all"] | Count]
    """Numbers of training patients, or `all`; fewer are the first ones of more.

    Source: ours."""
    updates: Count | None = None
    """Each training makes at least so many updates of its weights, in whole epochs, in place of
    its network's `epochs`: few patients are few updates an epoch.

    Source: ours."""


class PlateauSettings(Settings):
    """Trainings to a plateau, evaluated on their way: `snakemake plateau`."""

    variants: Different[str] = ("unet", "lsn")
    """Names in `variants`; their epochs are those below.

    Source: ours."""
    folds: FoldChoice = (0,)
    """`all`, or a list.

    Source: ours: with the seeds below, twelve minutes of the demo on two cores of an AMD EPYC; each
    further fold takes as long again."""
    seeds: Different[Number] = (0, 1, 2)
    """Seeds of the initial weights and the order of slices.

    Source: ours."""
    epochs: Count = 80
    """Passes over the training slices.

    Source: ours: the paper's UNet made some 28,000 updates, the demo's 80 epochs are 1,300."""
    evaluated: Different[Count] = (1, 2, 3, 5, 8, 12, 16, 20, 26, 32, 40, 50, 60, 70, 80)
    """Epochs after which unseen patients are segmented, by the last and by the averaged weights;
    after the last one they always are.

    Source: ours."""
    within: Share = 0.005
    """A curve has reached its plateau at the first evaluated epoch from which on the mean DSC stays
    as near as this to that after the last epoch, if the plateau has the `span` that follows.

    Source: ours, fixed before looking."""
    span: Share = 0.333
    """The share of the epochs, the last ones, over which a plateau has to hold; otherwise it is not
    reached.

    Source: ours: any curve is near its end at its end. After two thirds of a training a third more
    of it tells whether something is still gained."""


class ReplacementSettings(Settings):
    """Kernels replaced, layer by layer: `snakemake replacements`."""

    folds: FoldChoice = "all"
    """Whose UNets lose their kernels: `all`, or a list. With all, every patient is unseen once, and
    the intervals rest on all of them; the demo's five took seven minutes on two busy cores of an
    AMD EPYC. `config/lits.yaml` takes fold 0 alone: it has 27 unseen patients, and each further
    fold takes as long again.

    Source: ours."""
    replacements: Different[Replacement] = get_args(Replacement)
    """What the kernels of a layer, and of all layers, are replaced by: `centroid` of the k-means
    cluster (with the settings of `kernels`); `nearest` hand-crafted kernel of Figure 2, scaled by
    least squares; projections: `mean_zero`, `differences` (the span of first- and second-order
    finite differences), `first_order` (of the two central differences); `shuffled` within the
    layer; `gaussian` noise of the layer's mean and covariance; the layer's own `initial` kernels,
    from before training; `zero`.

    Source: ours."""
    together: Different[LayerGroup] = ("7-12",)
    """Layers that are replaced together, by the first and the last of them (1 to 18), beside each
    alone and all. Layers 7 to 12 are the bottom of the UNet, with 74 % of its kernels.

    Source: ours."""
    draws: Count = 2
    """How often `shuffled` and `gaussian` are drawn; a patient counts with the mean of the draws.
    The two cost as many times as much as the others.

    Source: ours."""
    seed: Number = 0
    """Seed of these draws, together with fold, layer and draw.

    Source: ours."""
