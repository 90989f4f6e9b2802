"""Intervals of shares: of kernels nearest to a stencil, of simulations that found something."""

import numpy as np

from upwind.kernels.analysis_settings import normal_quantile


def wilson(
    share: np.ndarray, count: np.ndarray, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of Wilson's score interval of each ``share`` of ``count`` draws."""
    z = normal_quantile(confidence)
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return np.clip(middle - half, 0, share), np.clip(middle + half, share, 1)
