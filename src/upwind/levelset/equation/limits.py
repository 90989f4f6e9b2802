"""Numbers of the scheme that hold wherever it is computed: floors, and the stable time step."""

import math
from collections.abc import Sequence

# Keeps the square root's slope finite where u is flat; its root is below float32 noise in u.
GRADIENT_FLOOR = 1e-12
# Curvature is regularised where u is nearly flat (kinks on the medial axis), where it is not
# defined; 0.1 % of |grad u|^2 = 1 on a signed distance.
CURVATURE_FLOOR = 1e-3


def stable_time_step(
    max_speed: float,
    max_velocity: float,
    max_curvature: float,
    spacing: Sequence[float] = (1.0, 1.0),
) -> float:
    """Largest stable ``dt`` of the scheme with finite differences:

        dt (max|F| sqrt(sum 2 / h_i^2) + max(sum |v_i| / h_i) + max c sum 2 / h_i^2) <= 1,

    sums over the axes; ``max_velocity`` is max(sum |v_i| / h_i). In 2-D with h = 1:
    dt (2 max|F| + max(|v_x| + |v_y|) + 4 max c) <= 1.

    Up to this limit the balloon and transport terms are monotone; both one-sided differences of
    every axis are active at an extremum, hence the root. Curvature by central differences is not
    monotone at any ``dt``; its share is the limit of the heat equation.
    """
    squares = sum(2 / h**2 for h in spacing)
    rate = math.sqrt(squares) * max_speed + max_velocity + squares * max_curvature
    return 1 / rate if rate > 0 else float("inf")
