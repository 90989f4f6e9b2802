"""Connected components of segmentations: what is left when all that lies apart is taken away."""

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph


def largest_component(mask: np.ndarray) -> np.ndarray:
    """The voxels (bool, the shape of ``mask``) of the largest 3-D component of a bool array
    (x, y, z), counted in voxels; an empty mask stays empty.

    Voxels are connected where they share a face (six neighbours), scipy's own choice and ITK's: two
    that touch in an edge or a corner alone are two components. Of components of the same size the
    one is kept whose first voxel comes first, plane by plane along the last axis, and in a plane in
    the order of rows.

    Components of planes are joined into components of the volume, so that beside the mask and its
    answer no more than a plane is in memory.
    """
    # A plane lies together in memory, as in volumes that are read from files.
    kept = np.zeros(mask.shape, bool, order="F")
    box = _box(mask)
    if box is not None:
        _keep_largest(mask[box], kept[box])
    return kept


def connected_with(mask: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The pixels (bool, the shape of ``mask``) of each slice's components that share a pixel with
    ``start`` (h, w). ``mask`` (n, h, w) and ``start`` are bool; pixels are connected where they
    share an edge."""
    kept = np.zeros_like(mask)
    for here, slice_ in zip(kept, mask, strict=True):
        labels, number = ndimage.label(slice_)
        touching = np.zeros(number + 1, bool)
        touching[np.unique(labels[start])] = True
        here[:] = touching[labels] & slice_
    return kept


def _box(mask: np.ndarray) -> tuple[slice, ...] | None:
    """The smallest box that holds the mask; None for an empty one."""
    found = np.argwhere(mask.any(axis=(0, 1)))
    if not found.size:
        return None
    planes = slice(int(found[0, 0]), int(found[-1, 0]) + 1)
    flat = np.zeros(mask.shape[:2], bool)
    for z in range(planes.start, planes.stop):
        flat |= mask[..., z]
    rows, columns = (np.flatnonzero(flat.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1), planes


def _keep_largest(mask: np.ndarray, kept: np.ndarray) -> None:
    """Mark in ``kept`` the largest component of a mask that is not empty."""
    sizes, joined = _components(mask)
    graph = sparse.coo_array((np.ones(len(joined[0]), bool), joined), (sizes.size, sizes.size))
    _, component = csgraph.connected_components(graph, directed=False)
    voxels = np.bincount(component, weights=sizes)
    largest = component == component[np.argmax(voxels[component])]
    done = 0
    for z in range(mask.shape[2]):
        labels, number = ndimage.label(mask[..., z])
        kept[..., z] = np.concatenate([[False], largest[done : done + number]])[labels]
        done += number


def _components(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Voxels of each plane's components, counted through all planes, and the pairs (2, m) of those
    that touch from one plane to the next."""
    sizes: list[np.ndarray] = []
    joined: list[np.ndarray] = []
    below, before, done = np.zeros(mask.shape[:2], np.int64), 0, 0
    for z in range(mask.shape[2]):
        here, number = ndimage.label(mask[..., z])
        sizes.append(np.bincount(here.ravel(), minlength=number + 1)[1:])
        both = mask[..., z] & mask[..., z - 1] if z else np.zeros(here.shape, bool)
        # Each pair as one number, which is faster to sort.
        pairs = np.unique((below[both] - 1) * number + here[both] - 1)
        lower, upper = np.divmod(pairs, max(number, 1))
        joined.append(np.stack([lower + before, upper + done]))
        below, before, done = here.astype(np.int64), done, done + number
    return np.concatenate(sizes), np.concatenate(joined, axis=1)
