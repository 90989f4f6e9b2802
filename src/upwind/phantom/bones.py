"""Ribs, sternum and spine, with the muscles along the spine."""

import numpy as np

from upwind.phantom.hounsfield import Tissue
from upwind.phantom.patients import Patient
from upwind.phantom.scene import Box, Scene
from upwind.phantom.shapes import ellipsoid, smooth_union, superellipse
from upwind.phantom.trunk import Trunk, cavity_centre

VERTEBRA_MM = 34.0
RIB_PITCH_MM = 31.0
# Descent of a rib from the spine to the side, and again from the side to the front.
RIB_SLOPE_MM = 88.0


def paint_ribs(patient: Patient, scene: Scene, trunk: Trunk, box: Box) -> None:
    """Ribs run down and forward in the wall as far as the costal margin, where cartilage begins."""
    rng = patient.generator("ribs")
    g, middle = patient.habitus.frame, cavity_centre(patient)
    cavity = trunk.cavity
    # 0 at the spine, 1 at the side, 2 in front.
    around = 1 + np.arctan2(box.y - middle, np.abs(box.x)) / (np.pi / 2)
    height = box.z / g + RIB_SLOPE_MM * around + float(rng.uniform(0, RIB_PITCH_MM))
    offset = (height + RIB_PITCH_MM / 2) % RIB_PITCH_MM - RIB_PITCH_MM / 2
    radial = cavity - 4.5
    rib = np.sqrt((radial / 0.55) ** 2 + offset**2) - 6.2
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
