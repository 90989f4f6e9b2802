"""The space that holds the organs: the trunk's cavity, divided by the diaphragm."""

from dataclasses import dataclass

import numpy as np

from upwind.phantom.patients import Patient
from upwind.phantom.scene import Box, Scene
from upwind.phantom.shapes import smooth_union, superellipse

POWER = 2.25


@dataclass(frozen=True)
class Trunk:
    """Distances (mm) at all points of a scene. ``cavity``: to the inner side of the muscle wall,
    negative inside; ``above``: above the diaphragm, negative in the abdomen; ``gap``: fat between
    the wall and an organ that lies against it."""

    cavity: np.ndarray
    above: np.ndarray
    gap: float

    def room(self, box: Box, extra: float = 0.0) -> np.ndarray:
        """Distance to the space of the abdominal organs over ``box``: below the diaphragm,
        ``gap`` plus ``extra`` mm inside the wall."""
        return np.maximum(
            self.cavity[box.index] + (self.gap + extra), self.above[box.index] + DIAPHRAGM_MM
        )


DIAPHRAGM_MM = 3.0


def measure_trunk(patient: Patient, scene: Scene) -> Trunk:
    """Evaluate the trunk of ``patient`` on ``scene``."""
    box = scene.everywhere()
    body = patient.habitus
    cavity = superellipse(
        box.x, box.y - cavity_centre(patient), body.cavity_width, body.cavity_depth, POWER
    )
    return Trunk(cavity, _diaphragm_distance(patient, box), gap=0.4 + 0.06 * body.fat_side)


def cavity_centre(patient: Patient) -> float:
    """y (mm) of the middle of the trunk's cavity; its back stays beside the spine."""
    return patient.habitus.cavity_depth - 84 * patient.habitus.frame


def body_extent(patient: Patient) -> tuple[float, float, float]:
    """Half width, lowest and highest y of the skin, mm."""
    body = patient.habitus
    middle = cavity_centre(patient)
    half = body.cavity_width + body.wall + body.fat_side
    low = middle - body.cavity_depth - 1.4 * body.wall - body.fat_back
    return half, low, middle + body.cavity_depth + 0.8 * body.wall + body.fat_front


def _diaphragm_height(patient: Patient, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height z (mm) of the diaphragm over (x, y): two domes and the central tendon."""
    g, dome = patient.habitus.frame, patient.liver.dome
    width = patient.habitus.cavity_width
    u, v = x / g, (y - 6 * g) / g
    behind = np.where(v < 0, np.float32(1.25), np.float32(0.75))

    def paraboloid(centre: float, half_width: float, top: float, drop: float) -> np.ndarray:
        side = (u - centre) / half_width
        return g * (top - drop * (side**2 + behind * (v / 80) ** 2))

    right = paraboloid(0.5 * width / g, 68, 0, 62 * dome)
    left = paraboloid(-0.5 * width / g, 68, -12, 58 * dome)
    middle = paraboloid(0, 75, -19, 34)
    return _smooth_maximum(_smooth_maximum(right, left, 12.0), middle, 18.0)


def _smooth_maximum(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    return -smooth_union(-a, -b, blend)


def _diaphragm_distance(patient: Patient, box: Box) -> np.ndarray:
    """Distance above the diaphragm, mm (negative in the abdomen), corrected for its slope."""
    # The slope varies slowly: that of one plane will do for all.
    step = 2.0
    x, y = box.x[:, :, :1], box.y[:, :, :1]
    flat = _diaphragm_height(patient, x, y)
    slope_x = (_diaphragm_height(patient, x + step, y) - flat) / step
    slope_y = (_diaphragm_height(patient, x, y + step) - flat) / step
    height = _diaphragm_height(patient, box.x, box.y)
    return (box.z - height) / np.sqrt(1 + slope_x**2 + slope_y**2)
