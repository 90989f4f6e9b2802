"""The section ``training``: the same for every network."""

from typing import Annotated, Final, Literal

from pydantic import Field

from upwind.settings.model import Count, NotNegative, Positive, Settings

Precision = Literal["float32", "bfloat16"]
Rate = Literal["constant", "falls"]
#: Which weights of a training a network is read by.
Reading = Literal["last", "averaged"]
LAST: Final = "last"
AVERAGED: Final = "averaged"
READINGS: Final[tuple[Reading, ...]] = (LAST, AVERAGED)


class OptimiserSettings(Settings):
    """How weights are learned and where: what a trained network depends on."""

    batch_size: Count = 20
    """Slices.

    Source: code."""
    learning_rate: Positive = 1.0
    """Learning rate of Adadelta.

    Source: paper (optimiser), code (rate)."""
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.95
    """Decay of Adadelta's averages; torch's own default is 0.9.

    Source: the default of Keras, which the authors used."""
    epsilon: Positive = 1e-7
    """Constant of Adadelta's denominator; torch's own default is 1e-6.

    Source: the default of Keras, which the authors used."""
    rate: Rate = "constant"
    """The learning rate is `constant`, or it `falls` over the second half of the updates, by half a
    cosine to a thousandth. A rate that falls ends a training that otherwise jumps from epoch to
    epoch: on the demo's phantom five folds from seed 1 gave the UNet an unseen DSC, at 64 pixels,
    of 0.900 (worst fold 0.894) in place of 0.876 (0.773), on a machine that was not noted.

    Source: paper (`constant`); `falls` is ours, after Loshchilov and Hutter (2017)."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.97
    """Decay, per update, of the exponential moving average of the weights that every training keeps
    beside its last weights, in `averaged.safetensors`; at update t it is (1 + t) / (10 + t) where
    that is less. A method `{of: unet, weights: averaged}` reads it. The last weights are the same
    bits whatever it is.

    Source: ours, fixed before looking: it forgets half in 23 updates, and an epoch of the demo has
    16 or 17; the paper has no average. Polyak and Juditsky (1992), Izmailov et al. (2018)."""
    device: Annotated[
        str,
        Field(pattern=r"^(auto|cpu|cuda(:[0-9]+)?)$", examples=["auto", "cpu", "cuda", "cuda:1"]),
    ] = "auto"
    """`auto`: the GPU where there is one; `cpu`; `cuda`.

    Source: ours."""
    cpu_threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Threads of a training or segmentation job on CPU. Fixed rather than taken from `--cores`,
    because the number of threads changes the last bits of a sum. One thread and several folds side
    by side use a small machine best; `config/lits.yaml` takes 2.

    Source: ours."""
    precision: Precision = "float32"
    """Precision of the convolutions in training: `float32`, or `bfloat16` (autocast; weights, loss,
    sums and the LSN's time steps stay float32). Held-out slices are evaluated, and patients
    segmented, in float32 either way.

    Source: ours."""
    compile: bool = False
    """`torch.compile` of the UNet, and of the LSN's speed network and, on a GPU, its time step.
    Needs a C++ compiler; on a GPU, Triton too.

    Source: ours."""
    deterministic: bool = False
    """On a GPU: only algorithms that add in a fixed order, so that the same GPU gives the same bits
    each time, more slowly; a checkpoint from another kind of device is then refused. For CPUs see
    `same_bits`.

    Source: ours."""
    same_bits: bool = True
    """On a CPU: the same bits on every x86-64 processor with AVX2, whoever made it. Convolutions in
    float32 then do without AVX-512, which costs nothing where there is none. `false` lets them use
    it, and trains every network again. Whatever else is computed has the same bits either way:
    `docs/same_bits.md` says how, and what is not covered.

    Source: ours."""


class TrainingSection(OptimiserSettings):
    """How networks are trained, judged and saved."""

    failed_below: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A fold *failed to train* if its held-out DSC (at a probability of 0.5) after the last epoch
    lies below this, or its loss is not finite. Stated before training; unseen patients have no say.

    Source: ours: the paper's fold 2 had 0.116, every other at least 0.827."""
    checkpoint_seconds: NotNegative = 60
    """Between two checkpoints of a training run, that is, what a killed job loses at most; 0 saves
    after every batch. Changing it trains nothing again.

    Source: ours."""
