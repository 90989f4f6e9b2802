"""Overlap and surface distances between a mask and a label, slab by slab: no step makes a copy of a
whole volume but that of its border."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from upwind.scores.distances import nearest_distances
from upwind.scores.measures import DISTANCES, TOLERANCES, nsd_column

_SLAB = 16  # slices looked at together


def overlap(mask: np.ndarray, label: np.ndarray) -> dict[str, float | int]:
    """Counts of voxels of two bool masks (..., slices) and the DSC 2|A and B| / (|A| + |B|) they
    give; the DSC of two empty masks is undefined (NaN), not 1 (as in nnU-Net)."""
    slabs = _slabs(mask.shape[-1])
    both = sum(int(np.count_nonzero(mask[..., s] & label[..., s])) for s in slabs)
    in_mask, in_label = int(np.count_nonzero(mask)), int(np.count_nonzero(label))
    total = in_mask + in_label
    return {
        "dsc": 2 * both / total if total else float("nan"),
        "overlap_voxels": both,
        "mask_voxels": in_mask,
        "label_voxels": in_label,
    }


def volume_difference(mask_ml: float, label_ml: float) -> dict[str, float]:
    """Volume of the mask less that of the label: in ml, and in percent of the label's (LiTS' RVD,
    times 100), which is undefined (NaN) for an empty label. Negative where the mask is smaller."""
    difference = mask_ml - label_ml
    return {
        "volume_difference_ml": difference,
        "volume_difference_percent": 100 * difference / label_ml if label_ml else float("nan"),
    }


def surface_scores(
    mask: np.ndarray,
    label: np.ndarray,
    spacing: tuple[float, float, float],
    tolerances: Sequence[float] = TOLERANCES,
) -> dict[str, float]:
    """HD95 by both definitions, ASSD (mm) and NSD at ``tolerances`` (mm) of two 3-D bool masks
    (x, y, z), all from one measurement of the distances between their borders.

    Distances run from each border voxel (face neighbourhood) to the nearest border voxel of the
    other mask, both ways. ``hd95_mm`` is the 95th percentile and ``assd_mm`` the mean of both sets
    together (MedPy 0.5); ``hd95_max_mm`` is the larger of the two sets' 95th percentiles (MONAI
    1.6). NSD is the share of all border voxels whose distance is at most the tolerance (Nikolov et
    al. 2018, arXiv:1809.04430, counted in voxels as MONAI does). Where one mask alone is empty, the
    distances are undefined (NaN) and NSD is 0; where both are, everything is undefined.
    """
    names = [nsd_column(tolerance) for tolerance in tolerances]
    if not mask.any() or not label.any():
        none = mask.any() or label.any()
        return dict.fromkeys(DISTANCES, math.nan) | dict.fromkeys(names, 0.0 if none else math.nan)
    box = _bounding_box(mask, label)
    a, b = _border(mask[box]), _border(label[box])
    ways = nearest_distances(a, b, spacing), nearest_distances(b, a, spacing)
    distances = np.concatenate(ways)
    mean = float(distances.mean())  # before the percentiles, which reorder what they are taken of
    near = [int(np.count_nonzero(distances <= tolerance)) for tolerance in tolerances]
    return {
        "hd95_mm": _percentile(distances),
        "hd95_max_mm": max(map(_percentile, ways)),
        "assd_mm": mean,
        **{name: count / len(distances) for name, count in zip(names, near, strict=True)},
    }


def diagonal(shape: tuple[int, ...], spacing: tuple[float, float, float]) -> float:
    """Length (mm) of a volume's diagonal, edge to edge: no distance in it is larger."""
    return math.hypot(*(n * size for n, size in zip(shape, spacing, strict=True)))


def _percentile(distances: np.ndarray) -> float:
    return float(np.percentile(distances, 95, overwrite_input=True))


def _slabs(depth: int) -> Iterator[slice]:
    return (slice(z, min(z + _SLAB, depth)) for z in range(0, depth, _SLAB))


def _bounding_box(mask: np.ndarray, label: np.ndarray) -> tuple[slice, ...]:
    """Of both together, neither being empty."""
    box = []
    for others in ((1, 2), (0, 2), (0, 1)):
        held = np.flatnonzero(mask.any(axis=others) | label.any(axis=others))
        box.append(slice(int(held[0]), int(held[-1]) + 1))
    return tuple(box)


def _border(mask: np.ndarray) -> np.ndarray:
    """Voxels of a mask (x, y, z) with a face neighbour outside it, as (z, y, x). Outside the array
    counts as background: a mask that touches its bounding box ends there."""
    volume = mask.T
    border = np.empty(volume.shape, bool)
    for slab in _slabs(volume.shape[0]):
        low = max(slab.start - 1, 0)
        part = np.pad(volume[low : slab.stop + 1], 1)
        inner = slice(slab.start - low + 1, slab.stop - low + 1)
        here = part[inner, 1:-1, 1:-1]
        inside = here.copy()
        for step in (-1, 1):
            inside &= part[inner.start + step : inner.stop + step, 1:-1, 1:-1]
            inside &= part[inner, 1 + step : part.shape[1] - 1 + step, 1:-1]
            inside &= part[inner, 1:-1, 1 + step : part.shape[2] - 1 + step]
        border[slab] = here & ~inside
    return border
