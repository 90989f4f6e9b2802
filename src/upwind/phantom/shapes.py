"""Signed distances (mm, negative inside) of simple solids, and ways to combine them.

Every function takes coordinate arrays (mm) of one shape and returns an array of that shape. The
distances of ellipsoids and superellipses are first-order approximations: exact on the surface.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

Shape = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
Point = tuple[float, float, float]


def point(values: Iterable[float]) -> Point:
    """Three coordinates, or radii, as a point."""
    x, y, z = values
    return x, y, z


def ellipsoid(centre: Point, radii: Point, tilt: tuple[float, float] = (0.0, 0.0)) -> Shape:
    """Ellipsoid whose long axis leans by ``tilt`` = (dx/dz, dy/dz) away from the vertical."""
    # Python floats keep float32 coordinates float32; numpy scalars would not.
    cx, cy, cz = map(float, centre)
    rx, ry, rz = map(float, radii)

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        w = (z - cz) / rz
        u = (x - cx - tilt[0] * (z - cz)) / rx
        v = (y - cy - tilt[1] * (z - cz)) / ry
        k = np.sqrt(u * u + v * v + w * w)
        gradient = np.sqrt((u / rx) ** 2 + (v / ry) ** 2 + (w / rz) ** 2)
        return k * (k - 1) / np.maximum(gradient, 1e-6)

    return distance


def capsule(a: Point, b: Point, radius_a: float, radius_b: float) -> Shape:
    """Tube from ``a`` to ``b`` with round ends and a radius that varies linearly."""
    start = [float(v) for v in a]
    axis = [float(w) - v for v, w in zip(start, b, strict=True)]
    length = sum(v * v for v in axis) + 1e-9

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        px, py, pz = x - start[0], y - start[1], z - start[2]
        t = np.clip((px * axis[0] + py * axis[1] + pz * axis[2]) / length, 0, 1)
        gap = (px - t * axis[0]) ** 2 + (py - t * axis[1]) ** 2 + (pz - t * axis[2]) ** 2
        return np.sqrt(gap) - (radius_a + t * (radius_b - radius_a))

    return distance


def tube(points: Sequence[Point], radii: Sequence[float], blend: float = 3.0) -> Shape:
    """Chain of capsules through ``points``, blended smoothly over ``blend`` mm."""
    parts = [
        capsule(points[i], points[i + 1], radii[i], radii[i + 1]) for i in range(len(points) - 1)
    ]

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        total = parts[0](x, y, z)
        for part in parts[1:]:
            total = smooth_union(total, part(x, y, z), blend)
        return total

    return distance


def superellipse(
    x: np.ndarray,
    y: np.ndarray,
    half_width: np.ndarray | float,
    half_depth: np.ndarray | float,
    power: float,
) -> np.ndarray:
    """Radial distance to |x / half_width|^power + |y / half_depth|^power = 1."""
    k = (np.abs(x / half_width) ** power + np.abs(y / half_depth) ** power) ** (1 / power)
    return np.hypot(x, y) * (1 - 1 / np.maximum(k, 1e-3))


def smooth_union(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """Union whose crease is filled over ``blend`` mm (polynomial smooth minimum)."""
    h = np.maximum(blend - np.abs(a - b), 0)
    return np.minimum(a, b) - h * h * (1 / (4 * blend))


def smooth_intersection(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """Intersection whose edge is rounded over ``blend`` mm."""
    return -smooth_union(-a, -b, blend)


def smooth_difference(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """``a`` without ``b``, the edge rounded over ``blend`` mm."""
    return smooth_intersection(a, -b, blend)
