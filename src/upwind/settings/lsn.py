"""The section ``lsn``."""

from typing import Annotated, Literal

from pydantic import Field

from upwind.settings.model import Count, Different
from upwind.settings.networks import NetworkSettings

Term = Literal["balloon", "transport", "curvature"]
StencilRule = Literal["mean_zero", "free", "fixed"]
Edge = Literal["fixed", "learned"]
Readout = Literal["distance", "level_set"]
InitialWeights = Literal["he", "torch"]
Start = Literal["distance", "binary"]
Differences = Literal["upwind", "central"]

Dilations = Annotated[
    tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(min_length=1, max_length=64)
]

#: Fewer kept steps save nothing more, and take a time that grows with the square of the steps.
LEAST_KEPT_STEPS = 8


class LSNSettings(NetworkSettings):
    """The level set network."""

    epochs: Count = 20
    """Passes over the training slices; the demo's 12 keep it to minutes.

    Source: paper."""
    steps: Annotated[int, Field(ge=1, le=10_000)] = 224
    """Time steps, that is, layers. The contour moves at most `dt` pixels a step, so `steps * dt`
    must cover the way from the disc to the farthest edge of a liver: 112 of 256 pixels, as the
    demo's 56 steps cover 28 of 64.

    Source: ours."""
    dt: Annotated[float, Field(gt=0, le=0.5)] = 0.5
    """Time step; 0.5 is the limit at which the balloon term alone is monotone for any speed of at
    most 1. The limit of the whole equation changes as the weights of transport and curvature are
    learned; a training's log says it, 0.37 to 0.38 in the demo. It is sufficient, not necessary:
    half of the step, twice as often, changed no fold's DSC by 0.001 (`docs/lsn.md`).

    Source: ours."""
    terms: Different[Term] = ("balloon", "transport", "curvature")
    """Which terms of the equation act.

    Source: code."""
    start: Start = "distance"
    """What u begins as: the signed `distance` to the initial disc, or 1 inside the disc and 0
    outside (`binary`), which leaves every pixel outside at u = 0, the contour.

    Source: ours; the paper's network starts binary."""
    differences: Differences = "upwind"
    """What the four stencils of the balloon and transport terms begin as: the one-sided differences
    of the `upwind` scheme, or `central` differences in their places, with which the same scheme is
    the central one: |grad u| and grad u without a side.

    Source: ours; the paper's network begins with central differences."""
    upwind_stencils: StencilRule = "mean_zero"
    """What learning may do to the four one-sided differences: `mean_zero` keeps each a difference
    (the paper's condition: its sum is 0), so that a constant added to u changes nothing; `free`;
    `fixed`. A free stencil's sum is multiplied by u, which is tens of pixels: on the five real
    cases at 128 pixels, two of five folds ran away and failed to train.

    Source: ours: free ones did not train on every fold."""
    curvature_stencils: StencilRule = "mean_zero"
    """The same for the five central differences of the curvature.

    Source: ours."""
    edge: Edge = "fixed"
    """`learned` lets the stencils (Sobel's at the start) and the contrast of the edge function go
    their way.

    Source: ours."""
    softness: Annotated[float, Field(gt=0, le=1)] = 0.03125
    """Width of the edge of sigmoid(distance / width) as a share of `image_size`: 1/32, 2 pixels of
    64. Pixels far from the contour give no gradient, so it grows with the image.

    Source: ours."""
    readout: Readout = "distance"
    """What the probability is computed from: `distance` is u / max(|grad u|, 1), the distance to
    the contour near it; `level_set` is u itself, which becomes several times steeper than a
    distance while it evolves, until few pixels are left to learn from. The contour is the same.

    Source: ours."""
    disc_radius: Annotated[float, Field(gt=0, le=0.5)] = 0.078125
    """Radius of the initial disc as a share of `image_size`: 20 / 256. Its centre comes from the
    training patients.

    Source: code (30 / 256 in the authors' later study)."""
    channels: Annotated[int, Field(ge=1, le=1024)] = 16
    """Channels of the speed network: small beside the UNet, so that the contour has work to do.

    Source: ours."""
    dilations: Dilations = (1, 2, 4, 8)
    """Dilations of its 3x3 convolutions; a speed depends on 31 x 31 pixels.

    Source: ours."""
    sees_start: bool = False
    """Whether the speed network sees, beside the slice, the distance to the initial disc, and with
    it where in the image it is.

    Source: ours."""
    initial_weights: InitialWeights = "he"
    """Initial weights of the speed network: `he` keeps the size of activations from one ReLU layer
    to the next (He et al. 2015); `torch` is torch's own default, which shrinks them, and Adadelta's
    first steps are small whatever the gradient.

    Source: ours."""
    edge_contrast: Annotated[float, Field(ge=0, le=1e6)] = 20
    """c of the edge function g = 1 / (1 + c n).

    Source: code."""
    kept_steps: Annotated[int, Field(ge=LEAST_KEPT_STEPS, le=10_000)] | None = None
    """Bound on the memory of training: of so many steps at most is anything kept for the backward
    pass, the others are computed again, with the same bits on CPU: 16 of 224 steps take three
    passes forward in place of one. Without it (`null`) all steps are kept on CPU (1.2 GB for 224
    steps of 20 slices of 256 pixels), about sqrt(steps) on a GPU. A network of another bound is
    trained again.

    Source: ours; below 8 nothing more is saved, and time grows with the square of the steps."""
