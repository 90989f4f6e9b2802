"""Spans of finite differences, against moments and against the level set equation's stencils."""

import numpy as np
import pytest

from upwind.kernels.moments import kernels_of, moments
from upwind.kernels.stencils import STENCILS
from upwind.levelset.equation.scheme import finite_differences
from upwind.networks.subspaces import SPANS, project, span_of

# Moments (rows, columns) that kernels of a span may have.
MOMENTS = {
    "first_order": [(0, 1), (1, 0)],
    "differences": [(0, 1), (1, 0), (0, 2), (2, 0), (1, 1)],
    "mean_zero": [(i, j) for i in range(3) for j in range(3) if i or j],
}
RANDOM = np.random.default_rng(0).normal(size=(4, 5, 3, 3))


@pytest.mark.parametrize("name", SPANS)
def test_a_basis_is_orthonormal(name):
    basis = SPANS[name].reshape(-1, 9)
    np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-15)
    assert len(basis) == len(MOMENTS[name])


@pytest.mark.parametrize("name", SPANS)
def test_a_span_is_all_kernels_with_moments_of_its_orders_alone(name):
    allowed = np.zeros((3, 3), bool)
    allowed[tuple(np.transpose(MOMENTS[name]))] = True
    assert abs(moments(SPANS[name])[:, ~allowed]).max() < 1e-15
    matrices = np.random.default_rng(1).normal(size=(6, 3, 3)) * allowed
    inside = kernels_of(matrices)
    np.testing.assert_allclose(project(inside, name), inside, atol=1e-14)


@pytest.mark.parametrize("name", SPANS)
def test_what_a_projection_leaves_out_is_at_right_angles_to_the_span(name):
    left_out = (RANDOM - project(RANDOM, name)).reshape(-1, 9)
    assert abs(left_out @ SPANS[name].reshape(-1, 9).T).max() < 1e-14


def test_differences_are_the_span_of_the_level_set_equations_stencils():
    stencils = finite_differences().double().numpy()
    assert np.linalg.matrix_rank(stencils.reshape(9, 9)) == len(SPANS["differences"])
    np.testing.assert_allclose(project(stencils, "differences"), stencils, atol=1e-15)


def test_sobels_kernel_is_a_difference_but_not_of_first_and_second_order_alone():
    sobel = STENCILS["edge_right"]
    np.testing.assert_allclose(project(sobel, "mean_zero"), sobel, atol=1e-15)
    kept = np.linalg.norm(project(sobel, "differences")) / np.linalg.norm(sobel)
    assert kept == pytest.approx(np.sqrt(8 / 12))  # the middle row of [-1 0 1; -2 0 2; -1 0 1]


@pytest.mark.parametrize(
    ("name", "dimensions", "mean"),
    [
        ("random_5", 5, None),
        ("random_5_with_mean", 5, 1),
        ("random_5_mean_zero", 5, 0),
        ("random_8", 8, None),
        ("random_8_with_mean", 8, 1),
    ],
)
def test_random_subspaces_and_the_mean_kernel_in_them(name, dimensions, mean):
    basis = span_of(name, 3).reshape(-1, 9)
    np.testing.assert_allclose(basis @ basis.T, np.eye(dimensions), atol=1e-12)
    within = ((basis @ np.full(9, 1 / 3)) ** 2).sum()
    if mean is None:
        assert 0.01 < within < 0.99
    else:
        assert within == pytest.approx(mean, abs=1e-12)
    np.testing.assert_array_equal(span_of(name, 3).reshape(-1, 9), basis)
    assert abs(basis @ span_of(name, 4).reshape(-1, 9).T).max() < 0.999 or mean == 1


def test_random_subspaces_are_uniformly_distributed():
    """The mean projection onto 400 of them is a multiple of the identity."""
    bases = [span_of("random_5", seed).reshape(-1, 9) for seed in range(400)]
    mean = np.mean([basis.T @ basis for basis in bases], axis=0)
    np.testing.assert_allclose(mean, 5 / 9 * np.eye(9), atol=0.06)
