"""Names of kernels whose derivative is known, and shares of energy against another computation."""

import numpy as np
import pytest

from upwind.atlas.derivatives import differences, nearest_derivative
from upwind.kernels.moments import moments
from upwind.kernels.stencils import STENCILS

CENTRAL = np.array([[0, 0, 0], [-1, 0, 1], [0, 0, 0]]) / 2
DIAGONAL = np.array([[-1, 0, 0], [0, 0, 0], [0, 0, 1]])
LINES = np.array([[1, -2, 1]] * 3)
EIGHT = np.array([[1, 1, 1], [1, -8, 1], [1, 1, 1]])
FALLING, RISING = "top left–bottom right", "top right–bottom left"
CROSS = np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]])  # u_xy


@pytest.mark.parametrize(
    ("kernel", "order", "words"),
    [
        (STENCILS["mean"], 0, "average"),
        (STENCILS["gaussian"], 0, "average"),
        (-STENCILS["mean"], 0, "average, inverted"),
        (STENCILS["identity"], 0, "identity"),
        (STENCILS["edge_right"], 1, "first derivative, left to right"),
        (-STENCILS["edge_right"], 1, "first derivative, right to left"),
        (STENCILS["edge_right"].T, 1, "first derivative, top to bottom"),
        (CENTRAL, 1, "first derivative, left to right"),
        (-CENTRAL.T, 1, "first derivative, bottom to top"),
        (CENTRAL + CENTRAL.T, 1, "first derivative, top left to bottom right"),
        (CENTRAL - CENTRAL.T, 1, "first derivative, bottom left to top right"),
        (STENCILS["laplacian"], 2, "second derivative (Laplacian-like)"),
        (EIGHT, 2, "second derivative (Laplacian-like)"),
        (LINES, 2, "second derivative, left–right"),
        (LINES.T, 2, "second derivative, top–bottom"),
        (-LINES, 2, "second derivative, left–right"),
        (LINES - LINES.T, 2, "second derivative (saddle), left–right against top–bottom"),
        (CROSS, 2, f"second derivative (saddle), {FALLING} against {RISING}"),
        (LINES.T @ CENTRAL, 3, "third derivative"),
        (LINES.T @ LINES, 4, "fourth derivative"),
    ],
)
def test_known_kernels_have_their_names_at_any_scale(kernel, order, words):
    kernel = np.asarray(kernel, dtype=float)
    for scale in (1, 0.003, 40):
        found = nearest_derivative(scale * kernel)
        assert (found.order, found.words) == (order, words)
        assert 0.89 < found.share < 1 + 1e-9


def test_a_diagonal_second_difference_is_along_its_diagonal():
    # u_xx + 2 u_xy + u_yy is twice the second derivative along the falling diagonal.
    falling = np.tensordot([1, 2, 1], differences(2, np.array([0, 1, 0])), 1)
    assert nearest_derivative(falling).words == f"second derivative, {FALLING}"
    assert nearest_derivative(falling[:, ::-1]).words == f"second derivative, {RISING}"


def test_signs_say_what_lights_up():
    dark = nearest_derivative(STENCILS["laplacian"]).shows
    assert "positive on small dark ones" in dark
    assert "positive on small bright ones" in nearest_derivative(-STENCILS["laplacian"]).shows
    # Applied to a dark spot, the Laplacian is positive.
    spot = np.ones((3, 3))
    spot[1, 1] = 0
    assert (spot * STENCILS["laplacian"]).sum() > 0


def test_what_is_like_no_difference_is_mixed():
    corner = np.zeros((3, 3))
    corner[0, 0] = 1
    found = nearest_derivative(corner)
    assert found.kind.startswith("mixed, nearest ")
    assert found.share < 0.8


def test_random_kernels_reach_what_the_page_says_of_them():
    kernels = np.random.default_rng(1).normal(size=(1500, 3, 3))
    shares = np.array([nearest_derivative(kernel).share for kernel in kernels])
    assert shares.mean() == pytest.approx(0.55, abs=0.01)
    assert (shares >= 0.8).mean() == pytest.approx(0.05, abs=0.015)


def test_nothing_is_nothing():
    found = nearest_derivative(np.zeros((3, 3)))
    assert (found.share, found.words) == (0, "nothing")


@pytest.mark.parametrize("order", range(5))
def test_sharp_differences_have_moments_of_their_order_only(order):
    for difference in differences(order, np.array([0, 1, 0])):
        found = np.argwhere(np.abs(moments(difference)) > 1e-12)
        assert found.sum(axis=1).tolist() == [order]
