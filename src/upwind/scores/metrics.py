"""Overlap and surface distances between a mask and a label."""

import numpy as np
from scipy import ndimage


def overlap(mask: np.ndarray, label: np.ndarray) -> dict[str, float | int]:
    """Counts of voxels of two bool masks and the DSC 2|A and B| / (|A| + |B|) they give; the DSC of
    two empty masks is undefined (NaN), not 1 (as in nnU-Net)."""
    both = int(np.count_nonzero(mask & label))
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
    """HD95 and ASSD in mm between the border voxels of two 3-D bool masks.

    Distances run from each border voxel (face neighbourhood) to the nearest border voxel of the
    other mask, both ways; HD95 is the 95th percentile and ASSD the mean of both sets together
    (both as in MedPy 0.5). NaN where either mask is empty.
    """
    if not mask.any() or not label.any():
        return {"hd95_mm": float("nan"), "assd_mm": float("nan")}
    box = _bounding_box(mask | label)
    a, b = _border(mask[box]), _border(label[box])
    there = ndimage.distance_transform_edt(~b, sampling=spacing)[a]
    back = ndimage.distance_transform_edt(~a, sampling=spacing)[b]
    distances = np.concatenate([there, back])
    return {
        "hd95_mm": float(np.percentile(distances, 95)),
        "assd_mm": float(distances.mean()),
    }


def _bounding_box(mask: np.ndarray) -> tuple[slice, ...]:
    return ndimage.find_objects(mask.astype(np.uint8))[0]


def _border(mask: np.ndarray) -> np.ndarray:
    # Outside the array counts as background: a mask that touches its bounding box ends there.
    return mask & ~ndimage.binary_erosion(mask)
