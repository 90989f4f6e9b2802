"""Where voxels lie: headers that state nothing or two things, affines without sense, absurd
spacings.

One rule for all that a header can state: the sform where its code is set, else the qform where its
code is set, else the sizes in pixdim; as nibabel and ITK have it. Where another field says
otherwise, a note says so.

Each function takes headers and returns sentences for the user, none where all is well.
"""

from dataclasses import dataclass

import numpy as np
from nibabel import affines

from upwind.common.dates import in_the_future
from upwind.data.grids import mm
from upwind.data.naming import short_name
from upwind.data.volumes import Grid
from upwind.data.voxels import Header, excess, sound_grid

# Of a voxel's size: sizes are in single precision, and some tools round them to a thousandth.
_SAME_SIZE = 0.01


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
    if grid:
        found = size_doubts(header) + _two_places(header, grid)
        notes += [f"{name} {text}." for text in found]
    notes += [f"{name} {text}." for text in _of_file(header)]
    return notes


def size_doubts(header: Header) -> list[str]:
    """Why the sizes of voxels that the header is read with may be wrong, and with them all that is
    given in mm or ml: it states none, or two."""
    found = []
    if np.array_equal(header.affine, np.eye(4)):
        found.append(
            "states an identity affine, 1 x 1 x 1 mm and no place: a header that says nothing, as "
            "in LiTS 28 to 47. What is given in mm or ml is then as wrong as these sizes; counts "
            "of voxels and DSC are not"
        )
    sizes = affines.voxel_sizes(header.affine)
    if not np.allclose(np.abs(header.pixdim), sizes, rtol=_SAME_SIZE, atol=0):
        found.append(
            f"states voxels of {mm(tuple(sizes))} mm by its affine and of {mm(header.pixdim)} mm "
            "by its pixdim: the affine is taken"
        )
    return found


def _two_places(header: Header, grid: Grid) -> list[str]:
    """Where the header places the volume twice, and not at the same place."""
    if header.sform is not None and header.qform is not None:
        corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(grid.shape) - 1)
        ways = [affines.apply_affine(a, corners) for a in (header.sform, header.qform)]
        off = float(np.abs(ways[0] - ways[1]).max())
        if off > min(grid.spacing) / 2:
            return [
                f"is placed by its qform up to {off:.3g} mm from where its sform puts it: the "
                "sform is taken"
            ]
    return []


def _of_file(header: Header) -> list[str]:
    """What is odd about the file around the header."""
    found = []
    if more := excess(header):
        found.append(f"is {more:,} bytes longer than its header states: they are not read")
    if in_the_future(header.path):
        found.append(
            "is dated in the future, so that Snakemake refuses it: set its date with `touch`"
        )
    return found


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
