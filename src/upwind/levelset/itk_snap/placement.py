"""Where livers are, learned from training patients: for a bubble and a region of interest in a
patient whose label nobody has seen.

Millimetres run from the corner of the canonical volume (x to the right, y to anterior, z upwards).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from upwind.common.errors import UpwindError
from upwind.common.tuples import triple
from upwind.data.volumes import Volume
from upwind.levelset.itk_snap.bubble import deepest
from upwind.levelset.itk_snap.region import Region, region_around

# How a position along an axis can be stated: as a share of the body's extent, or in mm from its
# lower or its upper end.
REFERENCES = ("share", "low", "high")


@dataclass(frozen=True)
class Anatomy:
    """What a training patient teaches, in mm, each of (x, y, z): the ends of the body, those of
    the liver, and its deepest point, which has the given depth."""

    body_low: tuple[float, ...]
    body_high: tuple[float, ...]
    liver_low: tuple[float, ...]
    liver_high: tuple[float, ...]
    deepest: tuple[float, ...]
    depth: float


@dataclass(frozen=True)
class Placement:
    """Where the deepest point of a liver is to be expected: for each axis how it is stated
    (:data:`REFERENCES`), the value, and the spread (mm) of the patients that it was learned from
    about it; how far a liver reaches from there (mm, below and above); and its least depth (mm).
    """

    references: tuple[str, ...]
    values: tuple[float, ...]
    spread_mm: tuple[float, ...]
    reach_mm: tuple[tuple[float, float], ...]
    depth_mm: float


def body_ends(volume: Volume, body_hu: float, step_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Both ends (mm, each of (x, y, z)) of the body: of the largest connected piece above
    ``body_hu``, opened by a voxel of about ``step_mm`` so that the table is not a part of it.

    One voxel in every ``step_mm`` is looked at. Where nothing is above, or what is has no
    connected piece, the ends are those of the volume.
    """
    spacing = np.array(volume.grid.spacing)
    steps = np.maximum(1, (step_mm // spacing).astype(int))
    x, y, z = (slice(None, None, int(step)) for step in steps)
    above = volume.values(z)[x, y] > body_hu
    # The body goes on beyond the border of the volume.
    padded = np.pad(above, 1, mode="edge")
    opened = ndimage.binary_opening(padded, np.ones((3, 3, 3)))[1:-1, 1:-1, 1:-1]
    pieces, count = ndimage.label(opened)
    if not count:
        return np.zeros(3), spacing * volume.array.shape
    largest = int(np.argmax(np.bincount(pieces.ravel())[1:])) + 1
    box = ndimage.find_objects(pieces)[largest - 1]
    low = np.array([part.start for part in box]) * steps * spacing
    high = np.array([part.stop for part in box]) * steps * spacing
    return low, np.minimum(high, spacing * volume.array.shape)


def anatomy_of(volume: Volume, label: np.ndarray, body_hu: float, working_mm: float) -> Anatomy:
    """What a training patient teaches; ``label`` is canonical, boolean, of the volume's shape.
    Raises UpwindError for an empty label or one too thin for ``working_mm``."""
    spacing = np.array(volume.grid.spacing)
    region = region_around(label, volume.grid.spacing, 0.0, working_mm)
    centre, depth = deepest(region.to_working(label[region.box]) >= 0.5)
    starts, stops = (np.array([getattr(b, end) for b in region.box]) for end in ("start", "stop"))
    body_low, body_high = body_ends(volume, body_hu, working_mm)
    point = starts * spacing + (np.array(centre) + 0.5) * working_mm
    return Anatomy(
        body_low=tuple(map(float, body_low)),
        body_high=tuple(map(float, body_high)),
        liver_low=tuple(map(float, starts * spacing)),
        liver_high=tuple(map(float, stops * spacing)),
        deepest=tuple(map(float, point)),
        depth=depth * working_mm,
    )


def learn_place(patients: Sequence[Anatomy]) -> Placement:
    """The mean of training patients, each axis stated in the way in which they differ least (root
    mean square in mm)."""
    if not patients:
        raise UpwindError("the blind level set needs a training patient to learn from")
    low, high, liver_low, liver_high, point = (
        np.array([getattr(p, name) for p in patients])
        for name in ("body_low", "body_high", "liver_low", "liver_high", "deepest")
    )
    stated = {"share": (point - low) / (high - low), "low": point - low, "high": high - point}
    means = {name: values.mean(axis=0) for name, values in stated.items()}
    spread = np.array(
        [
            np.sqrt(np.mean((_points(means[name], name, low, high) - point) ** 2, axis=0))
            for name in REFERENCES
        ]
    )
    chosen = [REFERENCES[i] for i in spread.argmin(axis=0)]
    reach = np.stack([(point - liver_low).max(axis=0), (liver_high - point).max(axis=0)], axis=1)
    return Placement(
        references=tuple(chosen),
        values=tuple(float(means[name][axis]) for axis, name in enumerate(chosen)),
        spread_mm=tuple(map(float, spread.min(axis=0))),
        reach_mm=tuple((float(below), float(above)) for below, above in reach),
        depth_mm=min(p.depth for p in patients),
    )


def expected_point(place: Placement, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where the liver's deepest point is to be expected (mm) in a body with these ends."""
    points = {name: _points(np.array(place.values), name, low, high) for name in REFERENCES}
    return np.array([points[name][axis] for axis, name in enumerate(place.references)])


def region_at(
    place: Placement, point: np.ndarray, volume: Volume, margin_mm: float, mm: float
) -> Region:
    """The region of interest: as far from ``point`` as livers reach, with a margin, within the
    volume, on a working grid of ``mm``."""
    box = []
    for centre, (below, above), length, size in zip(
        point, place.reach_mm, volume.array.shape, volume.grid.spacing, strict=True
    ):
        start = int(np.clip((centre - below - margin_mm) // size, 0, length - 1))
        stop = int(np.clip(-(-(centre + above + margin_mm) // size), start + 1, length))
        box.append(slice(start, stop))
    return Region(triple(volume.array.shape), volume.grid.spacing, triple(box), mm)


def _points(value: np.ndarray, reference: str, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    if reference == "share":
        return low + value * (high - low)
    return low + value if reference == "low" else high - value
