"""Where voxels lie: affines without sense, absurd spacings, image and label on different grids.

Each function takes headers and returns sentences for the user, none where all is well.
"""

from dataclasses import dataclass

import numpy as np
from nibabel import affines, orientations

from upwind.data.naming import short_name
from upwind.data.volumes import Grid
from upwind.data.voxels import Header


@dataclass(frozen=True)
class Limits:
    """What counts as absurd.

    Spacings (mm): LiTS has 0.56 to 1.0 in-plane and 0.45 to 6.0 between slices (Bilic et al.,
    2023). The limits leave room for thin research scans and for data resampled to few pixels, and
    catch metres, micrometres and swapped fields. Grids that differ by less than ``same_grid`` (mm,
    at the farthest corner) are the same: far below a voxel, above what single precision loses.
    """

    in_plane: tuple[float, float] = (0.2, 5.0)
    between_slices: tuple[float, float] = (0.2, 20.0)
    same_grid: float = 0.01


def sound_grid(header: Header | None) -> Grid | None:
    """The grid of a 3-D file whose affine makes sense."""
    if header is None or len(header.shape) != 3 or not np.isfinite(header.affine).all():
        return None
    # nibabel marks an axis that it cannot tell from the others with NaN.
    if np.isnan(orientations.io_orientation(header.affine)).any():
        return None
    return Grid(header.shape, header.affine)


def header_notes(header: Header) -> list[str]:
    """What reading the header had to assume."""
    name = short_name(header.path)
    notes = [f"{name}: nibabel mended its header: {text}." for text in header.repairs]
    grid = sound_grid(header)
    if grid and not header.has_orientation:
        notes.append(
            f"{name} states no orientation (qform and sform codes are 0): taken for "
            f"{grid.orientation}."
        )
    return notes


def affine_problems(header: Header) -> list[str]:
    """A 3-D file whose affine makes no sense."""
    if len(header.shape) != 3 or sound_grid(header):
        return []
    return [
        f"{short_name(header.path)} states no position for its voxels (its affine is singular or "
        "not finite): convert it again from the original."
    ]


def spacing_problems(header: Header, limits: Limits) -> list[str]:
    """A spacing outside the limits, along the body's axes."""
    grid = sound_grid(header)
    if grid is None:
        return []
    ranges = (limits.in_plane, limits.in_plane, limits.between_slices)
    within = all(
        low <= size <= high for size, (low, high) in zip(grid.spacing, ranges, strict=True)
    )
    # nibabel reads a voxel size of zero as 1 mm, which would pass for a real one.
    invented = not header.has_orientation and any("non-zero" in text for text in header.repairs)
    if within and not invented:
        return []
    stated = "zero" if invented else f"{_mm(grid.spacing)} mm (x, y, z)"
    return [
        f"{short_name(header.path)} has an absurd spacing: {stated}; expected "
        f"{limits.in_plane[0]:g} to {limits.in_plane[1]:g} mm in-plane and "
        f"{limits.between_slices[0]:g} to {limits.between_slices[1]:g} mm between slices. "
        "Correct the header."
    ]


def shape_difference(image: Header, label: Header) -> list[str]:
    """Image and label of different shapes: no rule can bring these together."""
    if len(image.shape) != 3 or len(label.shape) != 3 or image.shape == label.shape:
        return []
    return [
        f"{short_name(label.path)} is on another grid than its image: {by(label.shape)} voxels "
        f"against {by(image.shape)}. Resample the label to the image, or find the right partner."
    ]


def affine_difference(image: Header, label: Header, limits: Limits) -> list[str]:
    """Image and label of one shape but different affines: the image's is taken for both, as in
    the authors' code (protocol)."""
    ours, theirs = sound_grid(image), sound_grid(label)
    if ours is None or image.shape != label.shape:
        return []
    words, advice = "its own is singular or not finite", ""
    if theirs:
        distance, words = grid_difference(ours, theirs)
        if distance <= limits.same_grid:
            return []
        if ours.orientation != theirs.orientation:
            advice = " Make sure that the label is not mirrored."
    return [
        f"{short_name(label.path)} states another affine than its image ({words}); the image's is "
        f"taken for both, as the paper's authors do.{advice}"
    ]


def grid_difference(image: Grid, label: Grid) -> tuple[float, str]:
    """How two grids of the same shape differ: the distance (mm) between the corners farthest
    apart, and words for it."""
    far = np.asarray(image.shape) - 1
    corners = np.array(list(np.ndindex(2, 2, 2))) * far
    apart = affines.apply_affine(image.affine, corners) - affines.apply_affine(
        label.affine, corners
    )
    distance = float(np.linalg.norm(apart, axis=1).max())
    differences = []
    if image.orientation != label.orientation:
        differences.append(f"orientation {image.orientation} against {label.orientation}")
    if not np.allclose(image.spacing, label.spacing, rtol=1e-4):
        differences.append(f"spacing {_mm(image.spacing)} against {_mm(label.spacing)} mm")
    if not np.allclose(image.affine[:3, 3], label.affine[:3, 3], atol=1e-3):
        first, second = image.affine[:3, 3], label.affine[:3, 3]
        differences.append(f"origin ({_mm(first, ', ')}) against ({_mm(second, ', ')}) mm")
    return distance, "; ".join([*differences, f"corners up to {distance:.4g} mm apart"])


def by(shape: tuple[int, ...]) -> str:
    """A shape in words: ``512 x 512 x 75``."""
    return " x ".join(str(n) for n in shape)


def _mm(values: np.ndarray | tuple[float, ...], separator: str = " x ") -> str:
    return separator.join(f"{value:.4g}" for value in values)
