"""Intervals of shares."""

import numpy as np

from upwind.kernels.proportions import wilson


def test_wilsons_interval():
    # Newcombe (Statistics in Medicine 17, 1998), table I: 81 of 263, and 0 of 20.
    low, high = wilson(np.array([81 / 263, 0]), np.array([263, 20]), 0.95)
    np.testing.assert_allclose(low, [0.2553, 0], atol=5e-5)
    np.testing.assert_allclose(high, [0.3662, 0.1611], atol=5e-5)
