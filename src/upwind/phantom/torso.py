"""The container: couch, skin, fat, muscle wall, diaphragm, lung bases and heart."""

import numpy as np

from upwind.phantom.hounsfield import Tissue
from upwind.phantom.patients import Patient
from upwind.phantom.scene import Box, Scene
from upwind.phantom.shapes import capsule, ellipsoid, superellipse
from upwind.phantom.trunk import DIAPHRAGM_MM, POWER, Trunk, body_extent, cavity_centre


def paint_couch(patient: Patient, scene: Scene) -> None:
    """A thin, curved couch top under the patient."""
    _, low, _ = body_extent(patient)
    x, y, _ = scene.axes
    top = low - 7 + (x[:, None] / 190) ** 2 * 26
    shell = np.abs(y[None, :] - top) - 1.5
    shell = np.where(np.abs(x[:, None]) < 190, shell, 9.0)[:, :, None]
    box = scene.everywhere()
    scene.paint(Tissue.COUCH, np.broadcast_to(shell, scene.hu.shape), box)


def paint_wall(patient: Patient, scene: Scene, trunk: Trunk, box: Box) -> None:
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

    cavity = trunk.cavity
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


def paint_chest(patient: Patient, scene: Scene, trunk: Trunk, box: Box) -> None:
    """Diaphragm, lung bases with vessels, and the lower heart."""
    rng = patient.generator("chest")
    g, middle = patient.habitus.frame, cavity_centre(patient)
    mediastinum = superellipse(box.x + 12 * g, box.y - 22 * g, 54 * g, 62 * g, 2.4)
    spine = superellipse(box.x, box.y + 52 * g, 30 * g, 28 * g, 2.2)
    beside = -np.minimum(mediastinum, spine)
    diaphragm = np.maximum(trunk.cavity, np.maximum(-trunk.above - DIAPHRAGM_MM, beside))
    scene.paint(Tissue.MUSCLE, diaphragm, box)
    lung = np.maximum(np.maximum(trunk.cavity + 1.5, -trunk.above), beside)
    # Lung is denser where blood and weight gather, at the back.
    texture = scene.field(rng, box, 20.0, 14.0) - 0.5 * np.clip(box.y, -90, 90)
    scene.paint(Tissue.LUNG, lung, box, texture=texture)
    _paint_lung_vessels(scene, rng, g, patient.habitus.cavity_width)

    heart = ellipsoid((-30 * g, middle + 16 * g, 20 * g), (62 * g, 44 * g, 46 * g), (0.1, -0.2))
    corner = (-115 * g, middle - 60 * g, -40 * g), (50 * g, middle + 80 * g, 200)
    part = scene.box(*corner)
    if not part.x.size:
        return
    distance = np.maximum(heart(part.x, part.y, part.z), 1.0 - trunk.above[part.index])
    distance = np.maximum(distance, trunk.cavity[part.index] + 4)
    scene.paint(Tissue.MYOCARDIUM, distance, part)
    left = ellipsoid((-48 * g, middle + 14 * g, 24 * g), (28 * g, 22 * g, 34 * g))
    right = ellipsoid((-6 * g, middle + 26 * g, 20 * g), (32 * g, 20 * g, 36 * g))
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
