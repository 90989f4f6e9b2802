"""ITK-SNAP's two speed images: from edges and from intensities between two thresholds.

Source: ITK-SNAP's published code, Logic/Preprocessing (speed images) and Logic/LevelSet (terms).
"""

import numpy as np
from scipy import ndimage

# ITK-SNAP's defaults (Logic/Preprocessing).
SMOOTHNESS = 3.0
EDGE_SIGMA = 1.0
EDGE_SCALE = 0.04
EDGE_EXPONENT = 3.0


def region_speed(
    intensity: np.ndarray, lower: float, upper: float, smoothness: float = SMOOTHNESS
) -> np.ndarray:
    """Speed in (-1, 1) from intensities: positive (growth) between the thresholds, about 0 on
    them, negative outside.

    tanh(s (z - l)) + tanh(s (u - z)) - 1 with s = ln((2 - e) / e) / (u - l), e = 10^-smoothness:
    the speed halfway between the thresholds is 1 - 2e. A smoothness of 3 is nearly a step, 1 a
    gentle slope (ITK-SNAP, Logic/Preprocessing). ``lower`` < ``upper`` in the unit of
    ``intensity``, of any shape; float32 of that shape is returned.

    Raises ValueError for thresholds in the wrong order or a smoothness that is not positive.
    """
    if not lower < upper:
        raise ValueError(f"lower threshold {lower} is not below the upper threshold {upper}")
    if not smoothness > 0:
        raise ValueError(f"smoothness must be positive, not {smoothness}")
    e = 10.0**-smoothness
    steepness = np.float32(np.log((2.0 - e) / e) / (upper - lower))
    z = np.asarray(intensity, dtype=np.float32)
    above_lower = np.tanh(steepness * (z - np.float32(lower)))
    below_upper = np.tanh(steepness * (np.float32(upper) - z))
    return above_lower + below_upper - np.float32(1)


def edge_speed(
    intensity: np.ndarray,
    sigma: float = EDGE_SIGMA,
    scale: float = EDGE_SCALE,
    exponent: float = EDGE_EXPONENT,
) -> np.ndarray:
    """Speed g in (0, 1] from edges: 1 where the image is flat, 1/2 where the gradient is
    ``scale`` of the largest, near 0 on strong edges.

    g = 1 / (1 + (x / scale)^exponent), x = |grad(G_sigma * I)| over its maximum, ``sigma`` in
    voxels (ITK-SNAP, Logic/Preprocessing: 1, 0.04 and 3). An image without any gradient has
    g = 1 everywhere. Float32 of the shape of ``intensity`` is returned.
    """
    z = np.asarray(intensity, dtype=np.float32)
    # Minus its least value: a constant image then has a gradient of exactly 0, not rounding error.
    gradient = ndimage.gaussian_gradient_magnitude(z - z.min(), sigma, mode="nearest")
    largest = gradient.max()
    if largest > 0:
        gradient /= largest
    return 1 / (1 + (gradient / np.float32(scale)) ** np.float32(exponent))
