"""Moment matrices against kernels whose derivatives are known."""

import numpy as np
import pytest

from upwind.kernels.moments import kernels_of, moments

CENTRAL = [[0, 0, 0], [-0.5, 0, 0.5], [0, 0, 0]]
LAPLACIAN = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
MEAN = np.full((3, 3), 1 / 9)


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (CENTRAL, {(0, 1): 1}),
        (LAPLACIAN, {(2, 0): 1, (0, 2): 1}),
        (SOBEL, {(0, 1): 1, (2, 1): 1 / 4}),
        (MEAN, {(0, 0): 1, (2, 0): 1 / 3, (0, 2): 1 / 3, (2, 2): 1 / 9}),
    ],
)
def test_known_kernels(kernel, expected):
    matrix = np.zeros((3, 3))
    for place, value in expected.items():
        matrix[place] = value
    np.testing.assert_allclose(moments(np.array(kernel)), matrix, atol=1e-15)


def test_the_response_to_a_polynomial_is_its_taylor_expansion():
    generator = np.random.default_rng(0)
    kernel, derivatives = generator.normal(size=(2, 3, 3))
    rows, columns = np.mgrid[-1:2, -1:2]
    factorial = [1, 1, 2]
    image = sum(
        derivatives[i, j] * rows**i * columns**j / (factorial[i] * factorial[j])
        for i in range(3)
        for j in range(3)
    )
    response = (kernel * image).sum()
    assert response == pytest.approx((moments(kernel) * derivatives).sum())


def test_nothing_is_lost():
    kernels = np.random.default_rng(1).normal(size=(5, 4, 3, 3))
    np.testing.assert_allclose(kernels_of(moments(kernels)), kernels, atol=1e-13)
