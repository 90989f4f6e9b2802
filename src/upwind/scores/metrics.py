"""Overlap and surface distances between a mask and a label, slab by slab: no step makes a copy of a
whole volume but that of its border."""

from collections.abc import Iterator

import numpy as np

from upwind.scores.distances import nearest_distances

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


def surface_distances(
    mask: np.ndarray, label: np.ndarray, spacing: tuple[float, float, float]
) -> dict[str, float]:
    """HD95 and ASSD in mm between the border voxels of two 3-D bool masks (x, y, z).

    Distances run from each border voxel (face neighbourhood) to the nearest border voxel of the
    other mask, both ways; HD95 is the 95th percentile and ASSD the mean of both sets together
    (both as in MedPy 0.5). NaN where either mask is empty.
    """
    if not mask.any() or not label.any():
        return {"hd95_mm": float("nan"), "assd_mm": float("nan")}
    box = _bounding_box(mask, label)
    a, b = _border(mask[box]), _border(label[box])
    distances = np.concatenate([nearest_distances(a, b, spacing), nearest_distances(b, a, spacing)])
    assd = float(distances.mean())
    return {
        "hd95_mm": float(np.percentile(distances, 95, overwrite_input=True)),
        "assd_mm": assd,
    }


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
