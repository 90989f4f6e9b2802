"""The canvas of the phantom: points in the patient's body, and tissues painted on them.

Coordinates are canonical (x to the patient's right, y anterior, z superior), in mm, with the origin
in the middle of the body at the height of the right dome of the diaphragm. Slices are divided into
``SUBSLICES`` thin ones here; :mod:`upwind.phantom.physics` averages them again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from upwind.phantom.hounsfield import Tissue
from upwind.phantom.shapes import Point, Shape

SUBSLICES = 3
# Between-patient deformation: long waves of a few mm, so that organs keep their neighbours.
WARP_KNOTS_MM = 70.0
WARP_MM = 4.0
# Room in bounding boxes for partial volume and soft margins.
MARGIN_MM = 4.0


@dataclass(frozen=True)
class Box:
    """A part of the scene: index ranges, and the deformed coordinates of its points."""

    index: tuple[slice, slice, slice]
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray


class Scene:
    """HU and tissue at every point (x, y, z) of a fine grid, painted from back to front."""

    def __init__(
        self,
        axes: tuple[np.ndarray, np.ndarray, np.ndarray],
        table: Mapping[Tissue, float],
        rng: np.random.Generator,
        roll: float = 0.0,
    ):
        """``axes``: coordinates along x, y, z in mm; ``table``: HU of every tissue; ``rng`` draws
        the deformation; ``roll``: the body's rotation about z, degrees."""
        x, y, z = (axis.astype(np.float32) for axis in axes)
        self.axes = (x, y, z)
        self.table = table
        shape = tuple(len(axis) for axis in self.axes)
        self.hu = np.full(shape, table[Tissue.AIR], np.float32)
        self.tissue = np.full(shape, Tissue.AIR, np.uint8)
        self._pixel = float(self.axes[0][1] - self.axes[0][0])
        grids = np.meshgrid(*self.axes, indexing="ij", sparse=True)
        cosine, sine = (np.float32(f(np.deg2rad(roll))) for f in (np.cos, np.sin))
        turned = (
            cosine * grids[0] + sine * grids[1],
            cosine * grids[1] - sine * grids[0],
            grids[2],
        )
        self._coordinates = tuple(
            grid + smooth_field(rng, self.axes, WARP_KNOTS_MM, WARP_MM) for grid in turned
        )

        # How far deformation and roll move any point, by axis.
        self._moved = [
            float(np.max(np.abs(c - grid)))
            for c, grid in zip(self._coordinates, grids, strict=True)
        ]

    def box(self, low: Point, high: Point) -> Box:
        """The points that shapes between corners ``low`` and ``high`` can reach."""
        x, y, z = (
            slice(
                int(np.searchsorted(axis, a - moved - MARGIN_MM)),
                int(np.searchsorted(axis, b + moved + MARGIN_MM)),
            )
            for axis, a, b, moved in zip(self.axes, low, high, self._moved, strict=True)
        )
        index = (x, y, z)
        return Box(index, *(c[index] for c in self._coordinates))

    def everywhere(self) -> Box:
        """All points."""
        return Box((slice(None),) * 3, *self._coordinates)

    def field(
        self, rng: np.random.Generator, box: Box, knots: float, amplitude: float
    ) -> np.ndarray:
        """Smooth random field over ``box`` (see :func:`smooth_field`)."""
        x, y, z = (a[i] for a, i in zip(self.axes, box.index, strict=True))
        return smooth_field(rng, (x, y, z), knots, amplitude)

    def paint(
        self,
        tissue: Tissue,
        distance: np.ndarray,
        box: Box,
        texture: np.ndarray | float = 0.0,
        softness: float = 0.0,
    ) -> None:
        """Put ``tissue`` where ``distance`` (mm, over ``box``) is negative.

        A pixel that the surface crosses takes its share of the HU (partial volume in the plane);
        ``softness`` widens that transition by so many mm (an ill-defined margin). ``texture`` is
        added to the tissue's HU.
        """
        share = np.clip(0.5 - distance / (self._pixel + softness), 0, 1)
        hu = self.hu[box.index]
        hu += share * (self.table[tissue] + texture - hu)
        self.tissue[box.index][distance < 0] = tissue

    def paint_shape(self, tissue: Tissue, shape: Shape, low: Point, high: Point) -> None:
        """Paint ``shape``, which lies between corners ``low`` and ``high``."""
        box = self.box(low, high)
        if box.x.size:
            self.paint(tissue, shape(box.x, box.y, box.z), box)


def smooth_field(
    rng: np.random.Generator,
    axes: tuple[np.ndarray, np.ndarray, np.ndarray],
    knots: float,
    amplitude: float,
) -> np.ndarray:
    """Random free-form field: cubic B-splines over normal coefficients ``knots`` mm apart, with a
    standard deviation of about ``amplitude`` (Rueckert et al., IEEE TMI 1999;18:712)."""
    weights = [_spline_weights(axis, knots) for axis in axes]
    field = rng.normal(size=tuple(w.shape[1] for w in weights)).astype(np.float32)
    # The mean of the squared cubic B-spline's sum is 151/315 along each axis.
    field *= amplitude / (151 / 315) ** 1.5
    # Without optimize, einsum calls no threaded library: the same bits on any number of cores.
    field = np.einsum("kc,abc->abk", weights[2], field)
    field = np.einsum("jb,abk->ajk", weights[1], field)
    return np.einsum("ia,ajk->ijk", weights[0], field)


def _spline_weights(axis: np.ndarray, knots: float) -> np.ndarray:
    if len(axis) == 0:
        return np.zeros((0, 1), np.float32)
    position = (axis - axis[0]) / knots
    nodes = np.arange(-1, int(np.floor(position[-1])) + 3)
    t = np.abs(position[:, None] - nodes[None, :])
    near = 2 / 3 - t**2 + t**3 / 2
    far = (2 - np.clip(t, 0, 2)) ** 3 / 6
    return np.where(t < 1, near, far).astype(np.float32)
