import numpy as np
import pytest
from scipy.ndimage import correlate

from upwind.kernels.stencils import STENCILS, by_rules, stencils_of

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


@pytest.mark.parametrize("name", STENCILS)
def test_the_rules_for_other_sizes_give_figure_2s_for_3x3(name):
    by_rule = by_rules((3, 3))
    np.testing.assert_allclose(by_rule[name], STENCILS[name], atol=1e-15)


def test_known_stencils_of_5x5():
    found = stencils_of((5, 5))
    smooth = np.array([1, 4, 6, 4, 1])
    np.testing.assert_allclose(found["gaussian"], np.outer(smooth, smooth) / 256)
    sobel = np.outer(smooth, [-1, -2, 0, 2, 1])
    np.testing.assert_allclose(found["edge_right"], sobel / 96)
    second = found["laplacian"][2] / found["laplacian"][2, 0]
    np.testing.assert_allclose(second, [1, -16, 60, -16, 1], atol=1e-12)


@pytest.mark.parametrize("size", [(5, 5), (7, 7), (3, 3, 3)])
def test_a_laplacian_is_exact_for_polynomials_up_to_its_side(size):
    kernel = stencils_of(size)["laplacian"]
    places = np.indices(size)[-1] - size[0] // 2
    answers = [(kernel * places**degree).sum() for degree in range(size[0])]
    np.testing.assert_allclose(np.delete(answers, 2), 0, atol=1e-12)
    assert answers[2] > 0


def test_stencils_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        STENCILS["mean"][0, 0] = 1
    with pytest.raises(TypeError):
        STENCILS["mean"] = np.ones((3, 3))
