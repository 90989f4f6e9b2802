"""The section ``unet``."""

from typing import Literal

from upwind.settings.model import Count
from upwind.settings.networks import NetworkSettings

KernelRule = Literal["free", "mean_zero", "differences"]


class UNetSettings(NetworkSettings):
    """The paper's UNet."""

    epochs: Count = 40
    """Passes over the training slices; the demo's 20 keep it to minutes.

    Source: paper."""
    kernels: KernelRule = "free"
    """What learning may do to the 3x3 kernels of all 18 layers: `free`; `mean_zero` keeps each a
    difference, its sum 0, eight dimensions of nine; `differences` keeps it in the span of first-
    and second-order finite differences (Dx, Dy, Dxx, Dyy, Dxy: all nine stencils of the level set
    equation lie in it), five dimensions. The 1x1 head and the biases stay free. `snakemake
    constrained` compares them.

    Source: paper (`free`); the others are ours, to see whether finite differences alone explain the
    UNet's accuracy."""
