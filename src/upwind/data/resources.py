"""Memory and time that each kind of job asks of a cluster, from the size of what it reads.

Asked too little, a job is killed and tried again with more; asked too much, it waits in the queue.
So the figures below are measured ones with room to spare, and each attempt asks for half as much
again as the first did, up to three times as much.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from upwind.data.sizes import VolumeSize

MOST_GROWTH = 3.0


@dataclass(frozen=True)
class Requirement:
    """A kind of job: ``base_mb`` MiB and ``base_minutes`` whatever it reads; ``copies`` of the
    largest volume that it reads are in memory at a time; ``minutes_per_gb`` of all volumes."""

    base_mb: int
    copies: float = 0.0
    base_minutes: float = 10.0
    minutes_per_gb: float = 0.0


# A job on a node is a script inside two Snakemake processes, three in a group: 145 MiB each.
_SNAKEMAKE_MB = 450
# Measured on one core of a small virtual machine, for a CT of 512 x 512 x 448 voxels (int16,
# 224 MiB) with its label (uint8) unless said otherwise; "MiB" is the peak of the script's process.
REQUIREMENTS = {
    # The largest are the clustering of the kernels and Figure 1: 320 MiB.
    "table": Requirement(_SNAKEMAKE_MB + 400),
    # A patient of the phantom: 256 MiB, 12 s.
    "phantom": Requirement(_SNAKEMAKE_MB + 500),
    # Plane by plane, and a bit for each voxel of the label: 68 MiB for 600 slices; 10 s.
    "check": Requirement(_SNAKEMAKE_MB + 300, minutes_per_gb=3),
    # Slicing 490 MiB and 15 s; scoring 590 MiB and 17 s; the gallery 730 MiB and 20 s a volume.
    # benchmarks/scale.py holds them to three copies of a volume of 512 x 512 x 1000.
    "volume": Requirement(_SNAKEMAKE_MB + 300, copies=3, minutes_per_gb=5),
    # 780 MiB; the time is that of the trials.
    "level_set": Requirement(_SNAKEMAKE_MB + 300, copies=3, minutes_per_gb=5),
    # torch loaded: 255 MiB; its CUDA build with a GPU in use: about 3 GiB.
    "segmentation": Requirement(_SNAKEMAKE_MB + 3300, copies=3, base_minutes=20, minutes_per_gb=5),
    "training": Requirement(_SNAKEMAKE_MB + 3300, base_minutes=30),
}
# A batch of 20 on CPU at 256 pixels takes 810 MiB (UNet) and 2070 MiB (LSN, 224 steps) over torch
# itself, at 64 pixels 90 and 240.
_BATCH_MB = 300
_BATCH_MB_PER_MEGAPIXEL = 2000
# Slices lie in memory twice while they are gathered, and once more while they are hashed or copied.
_SLICE_COPIES = 3
_SLICE_PIXEL_BYTES = 3  # int16 image, uint8 label
# A GPU against one core, at the least. Too little time costs nothing but a retry: training goes on
# from its checkpoint.
_GPU_SPEED = 20
_TIME_MARGIN = 3
# A trial of the level set took 3 to 15 s on five livers at 4 mm, and takes the fourth power of the
# inverse of the spacing.
_TRIAL_SECONDS, _TRIAL_SPACING_MM = 20, 4.0


def growth(attempt: int) -> float:
    """What the ``attempt``-th try of a job asks for, as a multiple of the first."""
    return min(1 + 0.5 * (attempt - 1), MOST_GROWTH)


def memory_mb(kind: str, volumes: Iterable[VolumeSize], attempt: int = 1) -> int:
    """MiB for a job of this ``kind`` that reads these ``volumes`` one after the other."""
    demand = REQUIREMENTS[kind]
    largest = max((v.megabytes for v in volumes), default=0.0)
    return _asked(demand.base_mb + demand.copies * largest, attempt)


def minutes(kind: str, volumes: Iterable[VolumeSize], attempt: int = 1, extra: float = 0.0) -> int:
    """Minutes for a job of this ``kind`` that reads these ``volumes``, and ``extra`` ones."""
    demand = REQUIREMENTS[kind]
    gigabytes = sum(v.megabytes for v in volumes) / 1024
    return _asked(demand.base_minutes + demand.minutes_per_gb * gigabytes + extra, attempt)


def trial_minutes(trials: int, spacing_mm: float) -> float:
    """Minutes that the level set's ``trials`` take on a grid of ``spacing_mm``."""
    return trials * _TRIAL_SECONDS / 60 * max(1.0, (_TRIAL_SPACING_MM / spacing_mm) ** 4)


def training_memory_mb(slices: int, image_size: int, batch_size: int, attempt: int = 1) -> int:
    """MiB to train on ``slices`` slices of ``image_size`` pixels squared."""
    stored = slices * image_size**2 * _SLICE_PIXEL_BYTES / 2**20
    batch = _BATCH_MB + _BATCH_MB_PER_MEGAPIXEL * batch_size * image_size**2 / 1e6
    return _asked(REQUIREMENTS["training"].base_mb + _SLICE_COPIES * stored + batch, attempt)


def training_minutes(
    slices: int, image_size: int, cost: float, cores: int | None, attempt: int = 1
) -> int:
    """Minutes to train a network on ``slices`` slices of ``image_size`` pixels squared, on
    ``cores`` cores or, where None, on a GPU. ``cost`` is in seconds of one core for a million
    pixels, all epochs together (:meth:`upwind.methods.method.Network.cost`)."""
    seconds = cost * slices * image_size**2 / 1e6 / (cores or _GPU_SPEED)
    return _asked(REQUIREMENTS["training"].base_minutes + _TIME_MARGIN * seconds / 60, attempt)


def _asked(amount: float, attempt: int) -> int:
    return math.ceil(amount * growth(attempt))
