"""The other organs of the abdomen: spleen, kidneys, gut, pancreas, gallbladder, great vessels."""

from collections.abc import Sequence

import numpy as np

from upwind.phantom.hounsfield import Tissue
from upwind.phantom.patients import Patient
from upwind.phantom.scene import Box, Scene
from upwind.phantom.shapes import (
    Point,
    capsule,
    ellipsoid,
    point,
    smooth_difference,
    smooth_intersection,
    tube,
)
from upwind.phantom.trunk import Trunk, cavity_centre

SPLEEN_RADII = (40.0, 56.0, 60.0)
KIDNEY_RADII = (29.0, 25.0, 56.0)
SMALL_BOWEL_LOOPS = 46
MESENTERIC_VESSELS = 60


def paint_spleen(patient: Patient, scene: Scene, trunk: Trunk) -> None:
    """A crescent between the left wall and the stomach."""
    g, width = patient.habitus.frame, patient.habitus.cavity_width
    size = patient.organs.spleen
    box = scene.box((-width, -100 * g, -140 * g), (-30 * g, 60 * g, 10 * g))
    radii = point(g * size * r for r in SPLEEN_RADII)
    spleen = ellipsoid((-width + 0.8 * radii[0], -24 * g, -56 * g), radii, (-0.1, 0.15))
    bed = ellipsoid((-width + 84 * g, 8 * g, -62 * g), (46 * g, 54 * g, 72 * g))
    distance = smooth_difference(spleen(box.x, box.y, box.z), bed(box.x, box.y, box.z), 12.0)
    distance = distance + scene.field(patient.generator("spleen"), box, 25.0, 1.3)
    distance = smooth_intersection(distance, trunk.room(box), 5.0)
    scene.paint(Tissue.FAT, distance - 1.5, box)
    scene.paint(Tissue.SPLEEN, distance, box)


def paint_kidneys(patient: Patient, scene: Scene, trunk: Trunk) -> None:
    """Both kidneys in their fat, with cortex, medulla and sinus."""
    g = patient.habitus.frame
    rng = patient.generator("kidneys")
    for side, height, size, shift in zip(
        (1, -1), (-122, -108), patient.organs.kidneys, patient.organs.kidney_shift, strict=True
    ):
        centre = (side * 57 * g, -42 * g, (height + shift) * g)
        radii = point(g * size * r for r in KIDNEY_RADII)
        tilt = (-0.22 * side, -0.12)
        low = point(c - r - 20 for c, r in zip(centre, radii, strict=True))
        high = point(c + r + 20 for c, r in zip(centre, radii, strict=True))
        box = scene.box(low, high)
        if not box.x.size:
            continue
        kidney = ellipsoid(centre, radii, tilt)(box.x, box.y, box.z)
        kidney = kidney + scene.field(rng, box, 22.0, 1.0)
        room = trunk.cavity[box.index] + 4.0
        # Perirenal fat is thick behind and medially, thin where liver or spleen lie in front.
        behind = np.clip((centre[1] - box.y + side * (centre[0] - box.x)) / (50 * g), -1, 1)
        fat = 1.5 + (0.1 + 0.2 * (1 + behind)) * patient.habitus.fat_back
        scene.paint(Tissue.FAT, np.maximum(kidney - fat, room - 3.0), box)
        kidney = smooth_intersection(kidney, room, 5.0)
        _paint_kidney(scene, box, kidney, centre, g * size, side)


def _paint_kidney(
    scene: Scene, box: Box, kidney: np.ndarray, centre: Point, g: float, side: int
) -> None:
    hilum = (centre[0] - side * 15 * g, centre[1] + 8 * g, centre[2])
    sinus = ellipsoid(hilum, (16 * g, 9 * g, 27 * g), (-0.22 * side, -0.12))
    hollow = sinus(box.x, box.y, box.z)
    kidney = smooth_difference(kidney, hollow, 4.0)
    scene.paint(Tissue.RENAL_CORTEX, kidney, box)
    # Pyramids alternate with columns of cortex around the sinus.
    angle = np.arctan2(box.y - hilum[1], box.x - hilum[0])
    columns = 3.0 * np.cos(4 * angle) * np.cos((box.z - centre[2]) * np.pi / (14 * g)) + 1.0
    pyramids = np.maximum(kidney + 6.5 * g, columns)
    scene.paint(Tissue.RENAL_MEDULLA, pyramids, box, softness=2.0)
    pelvis = ellipsoid(hilum, (8 * g, 4.5 * g, 12 * g))
    scene.paint(Tissue.VENA_CAVA, pelvis(box.x, box.y, box.z), box)


def paint_stomach(patient: Patient, scene: Scene, trunk: Trunk) -> None:
    """Fundus behind, body to the front, antrum across the midline; fluid below, gas in front."""
    g, middle = patient.habitus.frame, cavity_centre(patient)
    rng = patient.generator("stomach")
    swell = patient.organs.stomach * (0.72 + 0.35 * patient.organs.stomach_fill)
    points = [(-52, -20, -32), (-66, 6, -66), (-56, 30, -98), (-14, 36, -116), (22, 20, -112)]
    moved = [g * (np.asarray(p) + rng.normal(0, 4, 3)) for p in points]
    course = [(float(x), float(y + 0.5 * middle), float(z)) for x, y, z in moved]
    radii = [g * swell * r for r in (41, 36, 27, 19, 12)]
    box = scene.box((-125 * g, -75 * g, -160 * g), (50 * g, 95 * g, 10 * g))
    distance = tube(course, radii, 18.0)(box.x, box.y, box.z)
    distance = distance + scene.field(rng, box, 28.0, 4.0)
    distance = smooth_intersection(distance, trunk.room(box, 1.5), 6.0)
    scene.paint(Tissue.FAT, distance - 1.5, box)
    scene.paint(Tissue.GUT_WALL, distance, box)
    lumen = distance + 4.5 + scene.field(rng, box, 9.0, 1.2)
    contrast = patient.organs.oral_contrast
    food = scene.field(rng, box, 8.0, 12.0) + contrast
    scene.paint(Tissue.GUT_FLUID, lumen, box, texture=food)
    # Supine: a level at which gas lies over fluid, in one plane of the room.
    level = middle + g * (-8 + 52 * patient.organs.stomach_fill)
    scene.paint(Tissue.GUT_GAS, np.maximum(lumen + 0.5, level - box.y), box)


def paint_pancreas(patient: Patient, scene: Scene, trunk: Trunk) -> None:
    """Duodenum, and the pancreas from there to the hilum of the spleen."""
    g = patient.habitus.frame
    rng = patient.generator("pancreas")
    box = scene.box((-105 * g, -45 * g, -185 * g), (75 * g, 60 * g, -55 * g))
    if not box.x.size:
        return
    c_loop = [(24, 20, -112), (44, 8, -116), (46, -8, -140), (30, -10, -162), (-20, -6, -166)]
    duodenum = tube([point(g * v for v in p) for p in c_loop], [g * 11.0] * 5)
    distance = duodenum(box.x, box.y, box.z) + scene.field(rng, box, 12.0, 1.5)
    _paint_gut(trunk, scene, box, distance, rng, gas=False)
    points = [(32, 0, -124), (10, 8, -106), (-34, 0, -94), (-84, -26, -80)]
    course = [point(float(v) for v in g * (np.asarray(p) + rng.normal(0, 3, 3))) for p in points]
    pancreas = tube(course, [g * r for r in (14.0, 9.0, 10.0, 8.0)], 6.0)
    distance = pancreas(box.x, box.y, box.z) + scene.field(rng, box, 9.0, 1.6)
    scene.paint(Tissue.FAT, distance - 1.5, box)
    scene.paint(Tissue.PANCREAS, distance, box, texture=scene.field(rng, box, 7.0, 9.0))
    vein = [(x + 4 * g, y - 11 * g, z) for x, y, z in course[1:]]
    splenic = tube(vein, [4.0 * g] * 3)
    scene.paint(Tissue.PORTAL_TRUNK, splenic(box.x, box.y, box.z), box)


def _paint_gut(
    trunk: Trunk,
    scene: Scene,
    box: Box,
    distance: np.ndarray,
    rng: np.random.Generator,
    gas: bool,
    content: Tissue = Tissue.GUT_FLUID,
) -> None:
    """One loop of gut: fat around it, wall, content, perhaps gas in front."""
    distance = np.maximum(distance, trunk.room(box, 1.5))
    scene.paint(Tissue.FAT, distance - 1.8, box)
    scene.paint(Tissue.GUT_WALL, distance, box)
    texture = scene.field(rng, box, 7.0, 45.0 if content == Tissue.FAECES else 12.0)
    lumen = distance + 3.0
    scene.paint(content, lumen, box, texture=texture)
    if gas:
        middle = float(np.median(box.y[distance < 0])) if np.any(distance < 0) else 0.0
        scene.paint(Tissue.GUT_GAS, np.maximum(lumen + 0.5, middle - box.y), box)


def paint_bowel(patient: Patient, scene: Scene, trunk: Trunk) -> None:
    """Mesenteric vessels, loops of small bowel and the colon, below and beside the organs."""
    g, middle = patient.habitus.frame, cavity_centre(patient)
    width, depth = patient.habitus.cavity_width, patient.habitus.cavity_depth
    rng = patient.generator("bowel")
    bottom = float(scene.axes[2][0])
    for _ in range(MESENTERIC_VESSELS):
        start = rng.uniform(
            (-0.7 * width, middle - 20, bottom), (0.5 * width, middle + 0.7 * depth, -70)
        )
        _paint_tube(scene, start, start + rng.normal(0, 14, 3), float(rng.uniform(1.0, 2.2)))
    for _ in range(SMALL_BOWEL_LOOPS):
        centre = rng.uniform(
            (-0.72 * width, middle - 0.35 * depth, bottom),
            (0.45 * width, middle + 0.7 * depth, -112 * g),
        )
        half = rng.normal(0, 1, 3) * (16, 12, 9)
        radius = float(rng.uniform(8, 13)) * g
        shape = capsule(tuple(centre - half), tuple(centre + half), radius, radius)
        box = scene.box(tuple(centre - np.abs(half) - 15), tuple(centre + np.abs(half) + 15))
        if min(box.x.shape) > 1:
            distance = shape(box.x, box.y, box.z) + scene.field(rng, box, 10.0, 1.2)
            has_gas = bool(rng.random() < 0.4 * patient.organs.bowel_gas)
            _paint_gut(trunk, scene, box, distance, rng, has_gas)
    front = middle + 0.72 * depth
    colon: tuple[list[Point], ...] = (
        [(0.74 * width, -15, -300), (0.74 * width, -8, -175), (0.66 * width, 18, -158)],
        [(0.66 * width, 18, -158), (0.3 * width, front, -165), (-0.3 * width, front, -150)],
        [(-0.3 * width, front, -150), (-0.66 * width, 24, -112), (-0.76 * width, 2, -96)],
        [(-0.76 * width, 2, -96), (-0.78 * width, -22, -140), (-0.76 * width, -24, -300)],
    )
    for part in colon:
        _paint_colon(patient, scene, trunk, part, rng)


def _paint_colon(
    patient: Patient, scene: Scene, trunk: Trunk, points: list[Point], rng: np.random.Generator
) -> None:
    g = patient.habitus.frame
    points = [(x, y, z * g) for x, y, z in points]
    low, high = np.min(points, axis=0) - 24, np.max(points, axis=0) + 24
    box = scene.box(tuple(low), tuple(high))
    if min(box.x.shape) < 2:
        return
    radius = float(rng.uniform(15, 22)) * g
    distance = tube(points, [radius] * len(points), 8.0)(box.x, box.y, box.z)
    # Haustra.
    distance = distance + scene.field(rng, box, 15.0, 3.0)
    gas = bool(rng.random() < patient.organs.bowel_gas + 0.2)
    _paint_gut(trunk, scene, box, distance, rng, gas, Tissue.FAECES)


def _paint_tube(scene: Scene, start: np.ndarray, end: np.ndarray, radius: float) -> None:
    shape = capsule(tuple(start), tuple(end), radius, 0.8 * radius)
    low, high = np.minimum(start, end) - radius, np.maximum(start, end) + radius
    scene.paint_shape(Tissue.VENA_CAVA, shape, tuple(low), tuple(high))


def paint_gallbladder(patient: Patient, scene: Scene, trunk: Trunk) -> None:
    """A pear under the liver, absent after cholecystectomy."""
    size = patient.organs.gallbladder
    if size == 0:
        return
    g, middle = patient.habitus.frame, cavity_centre(patient)
    neck = (32 * g, 14 * g + middle, -98 * g)
    fundus = (50 * g, 42 * g + middle, -122 * g)
    box = scene.box((10 * g, middle - 15 * g, -150 * g), (80 * g, middle + 75 * g, -75 * g))
    distance = capsule(neck, fundus, 6 * g * size, 15 * g * size)(box.x, box.y, box.z)
    distance = np.maximum(distance, trunk.room(box, 1.0))
    scene.paint(Tissue.GUT_WALL, distance - 1.2, box)
    scene.paint(Tissue.GALLBLADDER, distance, box)


def paint_great_vessels(patient: Patient, scene: Scene) -> None:
    """Crura, oesophagus, aorta with its trunks, inferior vena cava, portal vein."""
    g = patient.habitus.frame
    rng = patient.generator("vessels")
    calibre = float(rng.uniform(0.85, 1.2)) * g

    def paint(tissue: Tissue, points: Sequence[Point], radii: list[float]) -> None:
        course = [point(g * v for v in p) for p in points]
        low = tuple(np.min(course, axis=0) - max(radii) - 4)
        high = tuple(np.max(course, axis=0) + max(radii) + 4)
        scene.paint_shape(tissue, tube(course, radii), low, high)

    # Adrenals: two thin limbs each, above and medial to the kidneys.
    for side in (1, -1):
        apex = (side * 27, -24, -84)
        for limb in ((side * 36, -42, -92), (side * 26, -44, -92)):
            paint(Tissue.PANCREAS, [apex, limb], [3.2 * g, 2.4 * g])
    for side, bottom in ((1, -125), (-1, -108)):
        crus = [(side * 15, -26, bottom), (side * 13, -22, -60), (side * 9, -10, -22)]
        paint(Tissue.MUSCLE, crus, [6 * g, 8 * g, 7 * g])
    gullet = [(-4, -8, 120), (-6, -6, -5), (-22, -10, -26), (-44, -14, -34)]
    paint(Tissue.GUT_WALL, gullet, [8 * g, 8 * g, 8 * g, 9 * g])
    aorta = [(-18, -24, 120), (-13, -22, 0), (-5, -19, -70), (-6, -19, -300)]
    paint(Tissue.FAT, aorta, [14 * calibre, 14 * calibre, 12.5 * calibre, 11.5 * calibre])
    paint(Tissue.AORTA, aorta, [12 * calibre, 12 * calibre, 10.5 * calibre, 9 * calibre])
    paint(Tissue.AORTA, [(-5, -12, -78), (-4, 2, -80), (-14, 2, -76)], [4 * g, 3.5 * g, 3 * g])
    paint(Tissue.AORTA, [(-5, -12, -92), (-4, 0, -98), (-3, 2, -200)], [4 * g, 4 * g, 3.5 * g])
    paint(Tissue.PORTAL_TRUNK, [(8, 4, -200), (8, 4, -112), (20, 4, -90)], [5 * g, 6.5 * g, 6 * g])
    cava = [(19, -20, -300), (20, -19, -100), (22, -13, -40), (20, -4, -8), (14, 2, 40)]
    flat = float(rng.uniform(0.85, 1.1))
    paint(Tissue.VENA_CAVA, cava, [flat * r * g for r in (10, 11, 12.5, 12.5, 13)])
    for side in (1, -1):
        renal = [(side * 12 + 6, -14, -118), (side * 40, -32, -116)]
        paint(Tissue.VENA_CAVA, renal, [4.5 * g, 4.5 * g])
