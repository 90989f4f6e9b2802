"""The container: couch, skin, fat, muscle wall, ribs, spine, diaphragm, lungs and heart."""

import numpy as np

from upwind.phantom.hounsfield import Tissue
from upwind.phantom.patients import Patient
from upwind.phantom.scene import Box, Scene
from upwind.phantom.shapes import capsule, ellipsoid, smooth_union, superellipse

POWER = 2.25
VERTEBRA_MM = 34.0
RIB_PITCH_MM = 31.0


def cavity_centre(patient: Patient) -> float:
    """y (mm) of the middle of the trunk's cavity; its back stays beside the spine."""
    return patient.habitus.cavity_depth - 84 * patient.habitus.frame


def cavity_distance(patient: Patient, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance to the inner side of the muscle wall, mm (negative inside the cavity)."""
    body = patient.habitus
    return superellipse(x, y - cavity_centre(patient), body.cavity_width, body.cavity_depth, POWER)


def body_extent(patient: Patient) -> tuple[float, float, float]:
    """Half width, lowest and highest y of the skin, mm."""
    body = patient.habitus
    middle = cavity_centre(patient)
    half = body.cavity_width + body.wall + body.fat_side
    low = middle - body.cavity_depth - 1.4 * body.wall - body.fat_back
    return half, low, middle + body.cavity_depth + 0.8 * body.wall + body.fat_front


def diaphragm_height(patient: Patient, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height z (mm) of the diaphragm over (x, y): two domes and the central tendon."""
    g, dome = patient.habitus.frame, patient.liver.dome
    width = patient.habitus.cavity_width
    u, v = x / g, (y - 6 * g) / g
    behind = np.where(v < 0, 1.25, 0.75)

    def paraboloid(centre: float, half_width: float, top: float, drop: float) -> np.ndarray:
        side = (u - centre) / half_width
        return g * (top - drop * (side**2 + behind * (v / 80) ** 2))

    right = paraboloid(0.5 * width / g, 68, 0, 62 * dome)
    left = paraboloid(-0.5 * width / g, 68, -12, 58 * dome)
    middle = paraboloid(0, 75, -19, 34)
    return -smooth_union(-smooth_union_max(right, left), -middle, 18.0)


def smooth_union_max(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Smooth maximum over 12 mm."""
    return -smooth_union(-a, -b, 12.0)


def diaphragm_distance(patient: Patient, box: Box) -> np.ndarray:
    """Distance above the diaphragm, mm (negative in the abdomen), corrected for its slope."""
    step = 2.0
    height = diaphragm_height(patient, box.x, box.y)
    slope_x = (diaphragm_height(patient, box.x + step, box.y) - height) / step
    slope_y = (diaphragm_height(patient, box.x, box.y + step) - height) / step
    return (box.z - height) / np.sqrt(1 + slope_x**2 + slope_y**2)


def paint_couch(patient: Patient, scene: Scene) -> None:
    """A thin, curved couch top under the patient."""
    _, low, _ = body_extent(patient)
    x, y, _ = scene.axes
    top = low - 7 + (x[:, None] / 190) ** 2 * 26
    shell = np.abs(y[None, :] - top) - 1.3
    shell = np.where(np.abs(x[:, None]) < 190, shell, 9.0)[:, :, None]
    box = scene.everywhere()
    scene.paint(Tissue.COUCH, np.broadcast_to(shell, scene.hu.shape), box)


def paint_wall(patient: Patient, scene: Scene, box: Box) -> None:
    """Skin, subcutaneous fat, muscle wall with its fat planes, and the fat of the cavity."""
    body = patient.habitus
    rng = patient.generator("wall")
    half, low, high = body_extent(patient)
    middle, depth = (low + high) / 2, (high - low) / 2
    waist = 1 - 0.05 * np.clip((-box.z - 110) / 90, 0, 1)
    skin = superellipse(box.x / waist, box.y - middle, half, depth, POWER)
    # The back is flattened by the couch and furrowed over the spine.
    furrow = 7 * np.exp(-((box.x / 16) ** 2)) * (box.y < 0)
    skin = np.maximum(skin, low + 5 + furrow - box.y)
    scene.paint(Tissue.SKIN, skin, box)
    scene.paint(Tissue.FAT, skin + 2.0, box, texture=scene.field(rng, box, 14.0, 4.0))

    cavity = cavity_distance(patient, box.x, box.y)
    angle = np.arctan2(box.y - cavity_centre(patient), np.abs(box.x))
    thickness = body.wall * (1 + 0.4 * np.clip(-angle, 0, 1.2) - 0.35 * np.clip(angle, 0, 1.4))
    # Rectus abdominis and linea alba in front.
    thickness = thickness + 2.5 * np.exp(-(((np.abs(box.x) - 32) / 18) ** 2)) * (angle > 0)
    thickness = thickness - 6.0 * np.exp(-((box.x / 5) ** 2)) * (angle > 0)
    muscle = np.maximum(cavity - thickness, skin + 3.5)
    scene.paint(Tissue.MUSCLE, muscle, box, texture=scene.field(rng, box, 12.0, 6.0))
    plane = np.abs(cavity - 0.55 * thickness) - 0.9
    plane = np.maximum(plane, np.maximum(angle - 0.8, -0.9 - angle))
    scene.paint(Tissue.FAT, np.maximum(plane, muscle), box)
    scene.paint(Tissue.FAT, cavity, box, texture=scene.field(rng, box, 9.0, 6.0))


def paint_ribs(patient: Patient, scene: Scene, box: Box) -> None:
    """Ribs run down and forward in the wall as far as the costal margin, where cartilage begins."""
    rng = patient.generator("ribs")
    g, middle = patient.habitus.frame, cavity_centre(patient)
    cavity = cavity_distance(patient, box.x, box.y)
    # 0 at the spine, 1 at the side, 2 in front.
    around = 1 + np.arctan2(box.y - middle, np.abs(box.x)) / (np.pi / 2)
    height = box.z / g + 48 * around + float(rng.uniform(0, RIB_PITCH_MM))
    offset = (height + RIB_PITCH_MM / 2) % RIB_PITCH_MM - RIB_PITCH_MM / 2
    radial = cavity - 4.5
    rib = np.sqrt((radial / 0.62) ** 2 + offset**2) - 6.0
    # The margin: low behind (twelfth rib), rising to the xiphoid in front.
    margin = g * (-140 + 118 * np.clip(around, 0, 2) ** 1.3 / 2**1.3) - box.z
    bone_end = g * (-125 + 135 * np.clip(around, 0, 2) ** 1.3 / 2**1.3) - box.z
    spine_gap = 0.16 - around
    rib = np.maximum(rib, 40 * spine_gap)
    scene.paint(Tissue.CARTILAGE, np.maximum(rib, 0.5 * margin), box)
    bone = np.maximum(rib, 0.5 * bone_end)
    scene.paint(Tissue.CORTICAL_BONE, bone, box)
    scene.paint(Tissue.MARROW, bone + 2.2, box)
    sternum = ellipsoid((0, middle + patient.habitus.cavity_depth + 5, 45 * g), (17, 6, 62 * g))
    scene.paint_shape(Tissue.CARTILAGE, sternum, (-20, middle + 40, -30), (20, middle + 140, 120))


def paint_spine(patient: Patient, scene: Scene) -> None:
    """Vertebrae with discs, canal and processes, and the muscles beside them."""
    rng = patient.generator("spine")
    g = patient.habitus.frame
    box = scene.box((-75 * g, -135 * g, -1e3), (75 * g, -15 * g, 1e3))
    ax = np.abs(box.x)
    # The erector spinae fill the gutter between spinous process, ribs and the fascia behind.
    erector = superellipse(ax - 30 * g, box.y + 86 * g, 27 * g, 17 * g, 2.5)
    scene.paint(Tissue.MUSCLE, erector, box, texture=scene.field(rng, box, 7.0, 14.0))
    psoas_size = np.clip((-95 * g - box.z) / 70, 0, 1)
    psoas = np.hypot(ax - (26 + 10 * psoas_size) * g, (box.y + 50 * g) * 0.8)
    scene.paint(Tissue.MUSCLE, psoas - 16 * g * psoas_size, box)

    phase = (box.z / g + float(rng.uniform(0, VERTEBRA_MM))) % VERTEBRA_MM
    body = superellipse(box.x, box.y + 48 * g, 21.5 * g, 16.5 * g, 2.2)
    # Vertebral bodies are waisted between the end plates.
    body = body + 1.5 * np.sin(np.pi * np.clip((phase - 8) / 26, 0, 1))
    scene.paint(Tissue.DISC, body, box)
    end_plate = np.maximum(4.5 - phase, phase - VERTEBRA_MM + 4.5)
    bone = np.maximum(body, end_plate)
    scene.paint(Tissue.CORTICAL_BONE, bone, box)
    scene.paint(Tissue.MARROW, bone + 1.6, box, texture=scene.field(rng, box, 6.0, 22.0))

    arch = superellipse(box.x, box.y + 73 * g, 16 * g, 13 * g, 2.0)
    arch = np.maximum(arch, 3 - (phase - 2))
    spinous = np.maximum(
        np.maximum(ax - 3.5, np.abs(box.y + 92 * g) - 14 * g), np.abs(phase - 20) - 11
    )
    transverse = np.maximum(np.hypot(box.y + (70 + 0.2 * ax) * g, phase - 16) - 6, ax - 34 * g)
    processes = smooth_union(smooth_union(arch, spinous, 5.0), transverse, 4.0)
    scene.paint(Tissue.CORTICAL_BONE, processes, box)
    scene.paint(Tissue.MARROW, processes + 2.5, box)
    scene.paint(Tissue.SPINAL_CANAL, superellipse(box.x, box.y + 71 * g, 10 * g, 7.5 * g, 2.0), box)


def paint_chest(patient: Patient, scene: Scene, box: Box) -> None:
    """Diaphragm, lung bases with vessels, and the lower heart."""
    rng = patient.generator("chest")
    g, middle = patient.habitus.frame, cavity_centre(patient)
    cavity = cavity_distance(patient, box.x, box.y)
    above = diaphragm_distance(patient, box)
    mediastinum = superellipse(box.x + 12 * g, box.y - 22 * g, 54 * g, 62 * g, 2.4)
    spine = superellipse(box.x, box.y + 52 * g, 30 * g, 28 * g, 2.2)
    lung = np.maximum(np.maximum(cavity + 1.5, -above), -np.minimum(mediastinum, spine))
    scene.paint(Tissue.MUSCLE, np.maximum(lung - 3.0, cavity), box)
    # Lung is denser where blood and weight gather, at the back.
    texture = scene.field(rng, box, 20.0, 14.0) - 0.5 * np.clip(box.y, -90, 90)
    scene.paint(Tissue.LUNG, lung, box, texture=texture)
    _paint_lung_vessels(scene, rng, g, patient.habitus.cavity_width)

    heart = ellipsoid((-32 * g, middle + 16 * g, 26 * g), (56 * g, 40 * g, 44 * g), (0.1, -0.2))
    corner = (-105 * g, middle - 60 * g, -30 * g), (45 * g, middle + 80 * g, 200)
    part = scene.box(*corner)
    if not part.x.size:
        return
    over = -diaphragm_distance(patient, part)
    distance = np.maximum(heart(part.x, part.y, part.z), over + 1.0)
    distance = np.maximum(distance, cavity_distance(patient, part.x, part.y) + 4)
    scene.paint(Tissue.MYOCARDIUM, distance, part)
    left = ellipsoid((-46 * g, middle + 14 * g, 30 * g), (26 * g, 20 * g, 34 * g))
    right = ellipsoid((-6 * g, middle + 26 * g, 26 * g), (30 * g, 19 * g, 36 * g))
    for chamber in (left, right):
        inner = np.maximum(chamber(part.x, part.y, part.z), distance + 5)
        scene.paint(Tissue.HEART_BLOOD, inner, part)


def _paint_lung_vessels(
    scene: Scene, rng: np.random.Generator, g: float, cavity_width: float
) -> None:
    for side in (1, -1):
        for _ in range(26):
            start = np.array((side * 48 * g, float(rng.uniform(-45, 0)) * g, 60 * g))
            end = np.array(
                (
                    side * float(rng.uniform(0.4, 0.9)) * cavity_width,
                    float(rng.uniform(-70, 45)) * g,
                    float(rng.uniform(-45, 25)) * g,
                )
            )
            middle = start + float(rng.uniform(0.35, 0.6)) * (end - start)
            _paint_in_lung(scene, middle, end, float(rng.uniform(1.2, 2.6)))


def _paint_in_lung(scene: Scene, start: np.ndarray, end: np.ndarray, radius: float) -> None:
    box = scene.box(tuple(np.minimum(start, end)), tuple(np.maximum(start, end)))
    if not box.x.size:
        return
    distance = capsule(tuple(start), tuple(end), radius, 0.6 * radius)(box.x, box.y, box.z)
    inside = scene.tissue[box.index] == Tissue.LUNG
    scene.paint(Tissue.LUNG_VESSEL, np.where(inside, distance, 50.0), box)
