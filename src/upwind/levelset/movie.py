"""A contour in motion over one CT: what the command ``upwind evolve`` shows, for the engines."""

from collections.abc import Iterator
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel import orientations

from upwind.common.errors import UpwindError
from upwind.data.volumes import Grid, Volume
from upwind.levelset.engines.engine import Engine, Weights
from upwind.levelset.engines.registry import ENGINES, engine_named
from upwind.levelset.itk_snap.bubble import ball, bubble_in
from upwind.levelset.itk_snap.region import Region, region_around
from upwind.levelset.itk_snap.speeds import edge_speed, region_speed
from upwind.levelset.itk_snap.trials import Trial
from upwind.settings.levelset import OperatorSettings

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Course:
    """How the contour is to move. Lengths in mm; thresholds in HU; None: two standard
    deviations around the bubble's mean (ITK-SNAP's user reads them off the image). Without a
    radius the bubble has one of 12 mm, without a centre it is placed by the label."""

    engine: str
    mode: str
    centre: Point | None  # the scanner's coordinates in RAS, as NIfTI's headers have them
    radius: float | None
    lower: float | None
    upper: float | None
    iterations: int
    frames: int
    spacing: float
    reach: float = 150.0  # from the centre, where there is no label to tell how far to look


@dataclass(frozen=True)
class Moment:
    """A frame: the mask (canonical, boolean) and when."""

    mask: np.ndarray
    when: str


# Room around the label for leaks, and the bubble in it, as for the simulated operator.
_OPERATOR = OperatorSettings()
_MARGIN, _FRACTION, _SD = _OPERATOR.margin_mm, _OPERATOR.bubble_fraction, _OPERATOR.default_sd
_AIR = -200.0  # HU: below all tissue but lung
_RADIUS = 12.0  # of a bubble whose radius is not given


def moments(volume: Volume, label: np.ndarray | None, course: Course) -> Iterator[Moment]:
    """The contour at the start and after each of ``frames`` equal numbers of iterations.

    Raises UpwindError for an engine or mode that there is not, a bubble outside the CT or in air,
    thresholds in the wrong order, or neither a label nor a centre to place the bubble by.
    """
    evolve = engine_named(course.engine)
    if course.mode not in ENGINES[course.engine].modes:
        raise UpwindError(f"the engine {course.engine} has no {course.mode} mode")
    region, bubble = _start(volume, label, course)
    image = region.to_working(volume.values(region.box[2])[region.box[:2]])
    if not (bubble > 0).any():
        raise UpwindError(
            f"there is no contour to move: the bubble holds no voxel of the working grid of "
            f"{course.spacing:g} mm; give a larger --radius or a finer --spacing"
        )
    _refuse_air(float(image[bubble > 0].mean()))
    speed = _speed(image, bubble > 0, course)
    weights = Trial(course.mode).weights
    return _frames(evolve, speed, bubble, weights, region, course)


def _refuse_air(mean: float) -> None:
    if mean < _AIR:
        raise UpwindError(
            f"the bubble lies in air: its mean is {mean:.0f} HU, and the liver has about 50. The "
            "centre is in RAS, as NIfTI's headers have it: of a viewer in LPS, give X and Y with "
            "the other sign"
        )


def _frames(
    evolve: Engine,
    speed: np.ndarray,
    u: np.ndarray,
    weights: Weights,
    region: Region,
    course: Course,
) -> Iterator[Moment]:
    done = 0
    yield Moment(region.to_grid(u), "iteration 0")
    for frame in range(1, course.frames + 1):
        until = round(frame * course.iterations / course.frames)
        u = evolve(speed, u, weights, until - done)
        done = until
        yield Moment(region.to_grid(u), f"iteration {done}")


def _start(volume: Volume, label: np.ndarray | None, course: Course) -> tuple[Region, np.ndarray]:
    """The region of interest and the bubble on its working grid."""
    spacing = volume.grid.spacing
    if course.centre is None:
        if label is None:
            raise UpwindError(
                "where is the bubble to be? Give --centre X Y Z (mm, in RAS as NIfTI has it), or "
                "a --label to place it by"
            )
        region = region_around(label, spacing, _MARGIN, course.spacing)
        bubble = bubble_in(region.to_working(label[region.box]) >= 0.5, _FRACTION)
        if course.radius is not None:
            bubble += np.float32(course.radius / course.spacing) - bubble.max()
        return region, bubble
    voxel = _voxel(volume.grid, course.centre)
    if label is None:
        label = np.zeros(volume.array.shape, bool)
        label[tuple(np.round(voxel).astype(int))] = True
        region = region_around(label, spacing, course.reach, course.spacing)
    else:
        region = region_around(label, spacing, _MARGIN, course.spacing)
    place = [
        ((v - b.start + 0.5) * s / course.spacing) - 0.5
        for v, b, s in zip(voxel, region.box, spacing, strict=True)
    ]
    radius = (_RADIUS if course.radius is None else course.radius) / course.spacing
    return region, ball(region.working_shape, place, radius)


def _voxel(grid: Grid, point: Point) -> np.ndarray:
    """Canonical voxel coordinates (x, y, z) of a point in the scanner's (mm)."""
    codes = orientations.io_orientation(grid.affine)
    back = orientations.inv_ornt_aff(codes, grid.shape)
    voxel = nib.affines.apply_affine(np.linalg.inv(grid.affine @ back), point)
    shape = np.array(grid.canonical_shape)
    if ((voxel < -0.5) | (voxel > shape - 0.5)).any():
        corners = nib.affines.apply_affine(grid.affine @ back, [(0, 0, 0), shape - 1])
        low, high = corners.min(axis=0), corners.max(axis=0)
        box = ", ".join(f"{a:.0f} to {b:.0f}" for a, b in zip(low, high, strict=True))
        raise UpwindError(f"the centre {tuple(point)} is not in the CT, which spans {box} mm")
    return voxel.clip(0, shape - 1)


def _speed(image: np.ndarray, bubble: np.ndarray, course: Course) -> np.ndarray:
    if course.mode == "edge":
        return edge_speed(image)
    mean, width = float(image[bubble].mean()), _SD * max(1.0, float(image[bubble].std()))
    lower = mean - width if course.lower is None else course.lower
    upper = mean + width if course.upper is None else course.upper
    if not lower < upper:
        raise UpwindError(f"the lower threshold {lower:g} HU is not below the upper {upper:g} HU")
    return region_speed(image, lower, upper)
