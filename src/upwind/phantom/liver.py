"""The liver: lobes moulded by their neighbours, vessels, tumours."""

import itertools
import math

import numpy as np

from upwind.phantom.hounsfield import Tissue
from upwind.phantom.patients import Patient
from upwind.phantom.scene import Box, Scene
from upwind.phantom.shapes import (
    capsule,
    ellipsoid,
    point,
    smooth_difference,
    smooth_intersection,
    smooth_union,
)
from upwind.phantom.trunk import Trunk, cavity_centre

# Typical lobes (mm), chosen so that the volumes lie in the published range (tests/phantom).
RIGHT_RADII = (78.0, 86.0, 90.0)
LEFT_RADII = (78.0, 38.0, 42.0)
TYPICAL_HEIGHT = -66.0
# Metastases: mostly below 3 cm, a few large ones.
TUMOUR_RADIUS_MM = 8.0
TUMOUR_RADIUS_LIMITS_MM = (3.5, 34.0)
FIRST_TUMOUR_MIN_MM = 7.0
MAX_TUMOURS = 9

Segment = tuple[np.ndarray, np.ndarray, float, float]


def liver_bottom(patient: Patient) -> float:
    """Lowest z (mm) that the liver can reach."""
    g = patient.habitus.frame
    return g * (TYPICAL_HEIGHT - RIGHT_RADII[2] * patient.liver.right[2])


def paint_liver(patient: Patient, scene: Scene, trunk: Trunk) -> tuple[Box, np.ndarray]:
    """Paint the parenchyma. Returns its box and its distance there, mm."""
    g, width = patient.habitus.frame, patient.habitus.cavity_width
    middle = cavity_centre(patient)
    front = middle + patient.habitus.cavity_depth
    box = scene.box((-110 * g, middle - 100 * g, liver_bottom(patient)), (width, front, 20 * g))
    distance = smooth_union(
        _right_lobe(patient, box, width, middle), _left_lobe(patient, box, front), 22 * g
    )
    distance = distance + scene.field(patient.generator("liver"), box, 34.0, patient.liver.bumps)
    bend = scene.field(patient.generator("fissure"), box, 22.0, 4.0)
    distance = _carve(patient, box, distance, bend)
    distance = smooth_intersection(distance, trunk.room(box), 6.0)
    texture = scene.field(patient.generator("parenchyma"), box, 18.0, 2.0)
    scene.paint(Tissue.LIVER, distance, box, texture=texture)
    return box, distance


def _right_lobe(patient: Patient, box: Box, width: float, middle: float) -> np.ndarray:
    g = patient.habitus.frame
    radii = point(g * r * s for r, s in zip(RIGHT_RADII, patient.liver.right, strict=True))
    centre = (width - 0.9 * radii[0], middle - 3 * g, TYPICAL_HEIGHT * g)
    lobe = ellipsoid(centre, radii)(box.x, box.y, box.z)
    # The visceral surface faces down, back and to the left.
    visceral = (18 * g - box.x) + 0.55 * (-84 * g - box.z) - 0.25 * (box.y - middle)
    return smooth_intersection(lobe, visceral / math.hypot(1, 0.55, 0.25), 26 * g)


def _left_lobe(patient: Patient, box: Box, front: float) -> np.ndarray:
    g, shape = patient.habitus.frame, patient.liver
    rx, ry, rz = (g * r * s for r, s in zip(LEFT_RADII, shape.left, strict=True))
    rx += shape.left_reach * g
    centre = (48 * g - rx, front - 0.82 * ry - 4 * g, -46 * g)
    lobe = ellipsoid((0.0, 0.0, 0.0), (rx, ry, rz))
    # It thins to the left, and its left end rides up under the heart.
    x = box.x - centre[0]
    taper = np.clip(1 + 0.45 * np.clip(-x / rx, 0, 1), 1, 2)
    return lobe(x, (box.y - centre[1]) * taper, (box.z - centre[2] + 0.12 * x) * taper)


def _carve(patient: Patient, box: Box, distance: np.ndarray, bend: np.ndarray) -> np.ndarray:
    g, middle = patient.habitus.frame, cavity_centre(patient)
    x, y, z = box.x, box.y, box.z
    spine = np.hypot(x / 1.15, y + 46 * g) - 31 * g
    distance = smooth_difference(distance, spine, 12.0)
    hilum = ellipsoid((18 * g, 2 * g, -92 * g), (20 * g, 12 * g, 20 * g), (-0.3, 0.0))
    distance = smooth_difference(distance, hilum(x, y, z), 10.0)
    # Fissure of the round ligament, open to the front and below.
    course = 10 * g + 0.3 * (y - middle - 40 * g) + bend
    fissure = 0.85 * np.abs(x - course) - patient.liver.fissure
    # It deepens downwards.
    depth = middle + (52 + 0.5 * (z / g + 64)) * g
    fissure = smooth_intersection(fissure, 0.8 * np.maximum(depth - y, z + 64 * g), 4.0)
    return smooth_difference(distance, fissure, 4.0)


def without_neighbours(scene: Scene, box: Box, distance: np.ndarray) -> np.ndarray:
    """``distance`` where the liver is still seen, and at least 8 mm outside it elsewhere: what
    was painted over it (kidney, gallbladder, vena cava) holds no vessel or tumour of the liver."""
    covered = scene.tissue[box.index] != Tissue.LIVER
    return np.where(covered, np.maximum(distance, np.float32(8.0)), distance)


def paint_vessels(patient: Patient, scene: Scene, box: Box, distance: np.ndarray) -> None:
    """Portal and hepatic venous trees, kept inside the liver (they carry its label in LiTS)."""
    g = patient.habitus.frame
    for tissue, roots in (
        (Tissue.PORTAL_BRANCH, PORTAL_ROOTS),
        (Tissue.HEPATIC_VEIN, VENOUS_ROOTS),
    ):
        rng = patient.generator(tissue.name)
        for points, radius in roots:
            path = [g * (np.asarray(p) + rng.normal(0, 3, 3)) for p in points]
            for segment in _grow(rng, path, 1.15 * g * radius):
                _paint_segment(scene, tissue, segment, box, distance)


# Paths (mm, typical patient) of the large branches and their radius at the root.
PORTAL_ROOTS = (
    (((20, 4, -92), (44, 4, -84), (66, 12, -80)), 6.0),
    (((44, 4, -84), (70, -18, -84), (84, -34, -90)), 5.0),
    (((20, 4, -92), (14, 22, -76), (8, 38, -66)), 5.0),
    (((8, 38, -66), (-14, 44, -56), (-36, 46, -48)), 4.0),
)
VENOUS_ROOTS = (
    (((20, -10, -14), (50, -14, -28), (84, -10, -58)), 5.0),
    (((20, -8, -14), (36, 16, -36), (48, 36, -66)), 4.6),
    (((18, -6, -16), (0, 18, -28), (-26, 36, -42)), 4.2),
)


def _grow(
    rng: np.random.Generator, path: list[np.ndarray], radius: float, smallest: float = 0.85
) -> list[Segment]:
    """Segments of ``path`` and of the branches that leave it, down to radius ``smallest``."""
    segments: list[Segment] = []
    for start, end in itertools.pairwise(path):
        segments.append((start, end, radius, 0.85 * radius))
        radius *= 0.85
        if 0.76 * radius > smallest:
            length = float(np.linalg.norm(end - start)) * float(rng.uniform(0.7, 1.0))
            child = _continue(rng, start, end, length, 0.9)
            segments += _grow(rng, child, 0.76 * radius, smallest)
    if 0.8 * radius > smallest:
        length = float(np.linalg.norm(path[-1] - path[-2])) * 0.8
        child = _continue(rng, path[-2], path[-1], length, 0.45)
        segments += _grow(rng, child, 0.8 * radius, smallest)
    return segments


def _continue(
    rng: np.random.Generator, start: np.ndarray, end: np.ndarray, length: float, spread: float
) -> list[np.ndarray]:
    direction = (end - start) / (np.linalg.norm(end - start) + 1e-9)
    points = [end]
    for _ in range(2):
        direction = direction + spread * rng.normal(0, 0.7, 3)
        direction = direction / np.linalg.norm(direction)
        points.append(points[-1] + direction * length / 2)
        spread *= 0.5
    return points


def _paint_segment(
    scene: Scene, tissue: Tissue, segment: Segment, box: Box, liver: np.ndarray
) -> None:
    start, end, radius_start, radius_end = segment
    part, view = _part(scene, box, np.minimum(start, end) - 4, np.maximum(start, end) + 4)
    if part.x.size and np.min(liver[view]) < 0:
        tube = capsule(tuple(start), tuple(end), radius_start, radius_end)(part.x, part.y, part.z)
        scene.paint(tissue, np.maximum(tube, liver[view] + 2.0), part)


def _part(
    scene: Scene, box: Box, low: np.ndarray, high: np.ndarray
) -> tuple[Box, tuple[slice, ...]]:
    """The points between ``low`` and ``high`` that lie in ``box``, and where they lie in it."""
    inner = scene.box(tuple(low), tuple(high))
    x, y, z = (
        slice(max(a.start, b.start), max(min(a.stop, b.stop), max(a.start, b.start)))
        for a, b in zip(inner.index, box.index, strict=True)
    )
    index = (x, y, z)
    view = tuple(
        slice(i.start - b.start, i.stop - b.start) for i, b in zip(index, box.index, strict=True)
    )
    return Box(index, box.x[view], box.y[view], box.z[view]), view


def paint_tumours(patient: Patient, scene: Scene, box: Box, distance: np.ndarray) -> None:
    """Round, irregular, hypodense tumours with more or less sharp margins, in half of the
    patients (those whose number is odd)."""
    if not patient.has_tumours:
        return
    rng = patient.generator("tumours")
    count = min(MAX_TUMOURS, 1 + int(rng.geometric(0.3)))
    for number in range(count):
        radius = float(TUMOUR_RADIUS_MM * np.exp(rng.normal(0, 0.6)))
        least = FIRST_TUMOUR_MIN_MM if number == 0 else TUMOUR_RADIUS_LIMITS_MM[0]
        radius = float(np.clip(radius, least, TUMOUR_RADIUS_LIMITS_MM[1]))
        inside = np.flatnonzero(distance < -0.6 * radius)
        if not inside.size:
            continue
        at = np.unravel_index(int(rng.choice(inside)), distance.shape)
        centre = np.array([float(c[at]) for c in (box.x, box.y, box.z)])
        _paint_tumour(rng, scene, box, distance, centre, radius)


def _paint_tumour(
    rng: np.random.Generator,
    scene: Scene,
    box: Box,
    liver: np.ndarray,
    centre: np.ndarray,
    radius: float,
) -> None:
    part, view = _part(scene, box, centre - 1.5 * radius, centre + 1.5 * radius)
    stretch = rng.uniform(0.8, 1.2, size=3)
    shape = ellipsoid(tuple(centre), tuple(radius * stretch))
    bumps = scene.field(rng, part, max(0.9 * radius, 6.0), 0.12 * radius)
    tumour = np.maximum(shape(part.x, part.y, part.z) + bumps, liver[view] + 0.5)
    # Contrast between tumour and liver differs from one lesion to the next.
    shade = float(rng.normal(0, 6))
    scene.paint(Tissue.TUMOUR, tumour, part, texture=shade, softness=float(rng.uniform(0, 4)))
    if radius > 13 and rng.random() < 0.6:
        core = tumour + radius * float(rng.uniform(0.35, 0.6))
        scene.paint(Tissue.TUMOUR_CORE, core, part, softness=5.0)
