"""The section ``unet``."""

from typing import Literal

from upwind.settings.model import Count, Number
from upwind.settings.networks import NetworkSettings

KernelRule = Literal[
    "free",
    "mean_zero",
    "differences",
    "differences_with_mean",
    "random_5",
    "random_5_with_mean",
    "random_5_mean_zero",
    "random_8",
    "random_8_with_mean",
    "frozen",
]
InitialWeights = Literal["glorot", "he"]


class UNetSettings(NetworkSettings):
    """The paper's UNet."""

    epochs: Count = 40
    """Passes over the training slices; the demo's 20 keep it to minutes.

    Source: paper."""
    kernels: KernelRule = "free"
    """What learning may do to the 3x3 kernels of all 18 layers: `free`; `mean_zero` keeps each a
    difference, its sum 0, eight dimensions of nine; `differences` keeps it in the span of first-
    and second-order finite differences (Dx, Dy, Dxx, Dyy, Dxy: all nine stencils of the level set
    equation lie in it), five dimensions, and `differences_with_mean` in that of those and the mean
    kernel, six. Random subspaces stand beside them: `random_5` and `random_8`, of five and eight
    dimensions; `random_5_with_mean` and `random_8_with_mean`, which hold the mean kernel;
    `random_5_mean_zero`, whose kernels all have the sum 0. `frozen` learns no 3x3 kernel: they stay
    as they were drawn. The 1x1 head and the biases stay free. `snakemake constrained` and
    `snakemake subspaces` compare them.

    Source: paper (`free`); the others are ours, to see whether finite differences alone explain the
    UNet's accuracy."""
    subspace: Number = 0
    """Which of the random subspaces `kernels` means; the same in all layers. Without one it says
    nothing.

    Source: ours."""
    first_layer: Literal["same", "free"] = "same"
    """Whether `kernels` holds for layer 1, too, which alone sees the CT slice, or whether its
    sixteen kernels are free. They begin as large as the other layers' do.

    Source: ours."""
    initial_weights: InitialWeights | None = None
    """What all 3x3 kernels are drawn from: `glorot` (uniform), or `he` (normal; He et al. 2015),
    which keeps the size of activations from one ReLU layer to the next; in a subspace, by its
    dimensions. Without it (`null`) `glorot` where `kernels` are `free`, and `he` where they are
    not: differences of a smooth slice are small, and from `glorot` a UNet of them hardly trained
    (`docs/replacements.md`). A free UNet from `he` is therefore what the others are compared with.
    The 1x1 head has `glorot`.

    Source: code (`glorot`, Keras' default, for the paper's UNet); `he` is ours."""
