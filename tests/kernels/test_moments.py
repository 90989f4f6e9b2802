"""Moment matrices against kernels whose derivatives are known."""

from math import factorial

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
    image = sum(
        derivatives[i, j] * rows**i * columns**j / (factorial(i) * factorial(j))
        for i in range(3)
        for j in range(3)
    )
    response = (kernel * image).sum()
    assert response == pytest.approx((moments(kernel) * derivatives).sum())


@pytest.mark.parametrize("size", [(5, 5), (7, 7), (3, 3, 3)])
def test_larger_kernels_answer_to_a_polynomial_by_its_taylor_expansion(size):
    generator = np.random.default_rng(0)
    kernel, derivatives = generator.normal(size=(2, *size))
    places = np.indices(size) - size[0] // 2
    image = np.zeros(size)
    for orders in np.ndindex(*size):
        terms = [
            place**order / factorial(order) for place, order in zip(places, orders, strict=True)
        ]
        image += derivatives[orders] * np.prod(terms, axis=0)
    response = (kernel * image).sum()
    found = moments(kernel[None], len(size))[0]
    assert response == pytest.approx((found * derivatives).sum())


def test_nothing_is_lost():
    kernels = np.random.default_rng(1).normal(size=(5, 4, 3, 3))
    np.testing.assert_allclose(kernels_of(moments(kernels)), kernels, atol=1e-13)
