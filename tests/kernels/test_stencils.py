import numpy as np
import pytest
from scipy.ndimage import correlate

from upwind.kernels.stencils import STENCILS

A = np.array([[1, 1, 1], [-1, 0, 1], [0.5, 0, 0.5]])


def moments(kernel):
    """Coefficients m_ij of the derivatives in the Taylor expansion of the response (PDE-Net)."""
    return A @ kernel @ A.T


# Non-zero moments, worked out by hand: i counts derivatives along rows, j along columns.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mean", {(0, 0): 1, (2, 0): 1 / 3, (0, 2): 1 / 3, (2, 2): 1 / 9}),
        ("gaussian", {(0, 0): 1, (2, 0): 1 / 4, (0, 2): 1 / 4, (2, 2): 1 / 16}),
        ("laplacian", {(2, 0): 1 / 8, (0, 2): 1 / 8}),
        ("edge_right", {(0, 1): 1, (2, 1): 1 / 4}),
        ("identity", {(0, 0): 1}),
        ("sharpen", {(0, 0): 1 / 9, (2, 0): -1 / 9, (0, 2): -1 / 9}),
    ],
)
def test_moments(name, expected):
    matrix = np.zeros((3, 3))
    for place, value in expected.items():
        matrix[place] = value
    np.testing.assert_allclose(moments(STENCILS[name]), matrix, atol=1e-15)


def test_edge_right_answers_to_brightness_that_grows_to_the_right():
    ramp = np.tile(np.arange(5.0), (5, 1))
    assert correlate(ramp, STENCILS["edge_right"])[2, 2] == pytest.approx(1)
    assert correlate(ramp.T, STENCILS["edge_right"])[2, 2] == pytest.approx(0)


def test_stencils_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        STENCILS["mean"][0, 0] = 1
    with pytest.raises(TypeError):
        STENCILS["mean"] = np.ones((3, 3))
