"""The sections ``kernels`` and ``comparison``: how thoroughly things are measured."""

from typing import Annotated, Literal

from pydantic import Field

from upwind.settings.model import Count, Number, Settings


class KernelMeasures(Settings):
    """How the measures of kernels are taken."""

    clusters: Annotated[int, Field(ge=2, le=8)] = 3  # colours of Figure 2
    """Clusters of k-means in each layer, at most as many as Figure 2 has colours.

    Source: paper."""
    seed: Number = 0
    """Seed of k-means and of all else that is drawn in measuring kernels.

    Source: code."""
    restarts: Count = 10
    """Starts of k-means, the best is kept.

    Source: scikit-learn's default in the authors' years (up to version 1.3)."""
    most_clusters: Annotated[int, Field(ge=2, le=10**6)] = 5
    """That the gap statistic tries, from 1; `kernels.clusters` where that is more.

    Source: ours."""
    references: Annotated[int, Field(ge=2, le=10**6)] = 20
    """Sets of kernels drawn by chance, that a layer is held against: from a layer's Gaussian
    (silhouette, gap, starts), and as random halves (distribution shift). More make their intervals
    smoother and take as much longer.

    Source: ours."""
    starts: Annotated[int, Field(ge=2, le=10**6)] = 5
    """Runs of k-means, with one start each, whose assignments are compared. With several starts
    each, as the clusters of Figure 2 have, even a cloud without clusters is cut the same way every
    time.

    Source: ours."""
    sample: Annotated[int, Field(ge=100, le=10**6)] = 4096
    """Kernels of a layer whose clusters are tested, at most, drawn at random.

    Source: ours: the paper's largest layer has as many."""
    resamples: Annotated[int, Field(ge=10, le=10**6)] = 1000
    """Bootstrap resamples for the intervals of what is measured of kernels.

    Source: ours: fewer than in comparing methods, because it is done layer by layer."""


class KernelSection(KernelMeasures):
    """The kernels of the UNet."""

    network: Literal["all"] | Number = "all"
    """Whose kernels are clustered: the UNet trained on all cases, or a fold's number, below
    `folds`.

    Source: code."""
    second_seed: Number | None = 1
    """The same network is trained once more, from this seed, as a control: what differs from seed
    to seed is no finding. `null`: it is not, and the tables have no rows `second_seed`. It is the
    run `unet`, all patients, of the studies, which share it. Not `seed` itself.

    Source: ours."""
    spectrum_size: Annotated[int, Field(ge=48, le=4096)] = 256
    """Pixels of the image on whose feature maps spectra are taken to find the nearest hand-crafted
    kernel; not `image_size`, because on the demo's 4 x 4 pixels at the bottleneck half of all
    kernels are near none, whatever the network, and shares would not compare with the published.
    With 48 pixels it is 3 at the bottleneck, where a kernel just fits.

    Source: code."""


class ComparisonSettings(Settings):
    """How methods are compared over patients."""

    resamples: Annotated[int, Field(ge=100, le=10**6)] = 10000
    """Bootstrap resamples of folds and their patients.

    Source: ours."""
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Confidence of the intervals.

    Source: ours."""
