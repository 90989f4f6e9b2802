"""Where voxels lie: affines without sense, absurd spacings.

Each function takes headers and returns sentences for the user, none where all is well.
"""

from dataclasses import dataclass

from upwind.data.grids import mm
from upwind.data.naming import short_name
from upwind.data.voxels import Header, sound_grid


@dataclass(frozen=True)
class Limits:
    """What counts as absurd.

    Spacings (mm): LiTS has 0.56 to 1.0 in-plane and 0.45 to 6.0 between slices (Bilic et al.,
    2023). The limits leave room for thin research scans and for data resampled to few pixels, and
    catch metres, micrometres and swapped fields.
    """

    in_plane: tuple[float, float] = (0.2, 5.0)
    between_slices: tuple[float, float] = (0.2, 20.0)


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
    stated = "zero" if invented else f"{mm(grid.spacing)} mm (x, y, z)"
    return [
        f"{short_name(header.path)} has an absurd spacing: {stated}; expected "
        f"{limits.in_plane[0]:g} to {limits.in_plane[1]:g} mm in-plane and "
        f"{limits.between_slices[0]:g} to {limits.between_slices[1]:g} mm between slices. "
        "Correct the header."
    ]
