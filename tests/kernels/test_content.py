"""Finite difference content of kernels whose derivatives are known."""

import numpy as np
import pytest

from upwind.kernels.content import (
    ENERGIES,
    SPAN_DIMENSIONS,
    angle_to_nearest,
    angle_to_span,
    chance_angle,
    content,
    content_by_layer,
    content_by_part,
    energies,
    energy_by_order,
    mean_zero_defect,
    moment_table,
)
from upwind.kernels.layers import Layer
from upwind.kernels.sizes import polynomials
from upwind.levelset.equation.scheme import finite_differences

ONE_SIDED = np.array([[0, 0, 0], [-1, 1, 0], [0, 0, 0]], float)
MEAN = np.full((3, 3), 1 / 9)


def test_energy_of_a_one_sided_difference_by_hand():
    # Along a row (-1, 1, 0) has 1/2 of its energy in (-1, 0, 1) and 3/2 in (1, -2, 1); down
    # a column the middle row is 1/3 mean and 2/3 second difference.
    expected = [0, 0.25 / 3, 0.75 / 3, 0.5 / 3, 1.5 / 3]
    np.testing.assert_allclose(energy_by_order(ONE_SIDED[None])[0], expected, atol=1e-15)


def test_energies_are_those_in_an_orthonormal_basis():
    # The same basis by Gram-Schmidt on the monomials, lower orders first.
    k = np.arange(-1.0, 2)
    powers = [(i, j) for order in range(5) for i in range(3) for j in range(3) if i + j == order]
    monomials = np.array([np.outer(k**i, k**j).ravel() for i, j in powers]).T
    basis = np.linalg.qr(monomials)[0]
    kernels = np.random.default_rng(0).normal(size=(50, 3, 3))
    squares = (kernels.reshape(50, 9) @ basis) ** 2
    orders = np.array([i + j for i, j in powers])
    expected = np.stack([squares[:, orders == order].sum(axis=1) for order in range(5)], 1)
    assert energies(kernels) == pytest.approx(expected)
    assert energies(kernels).sum(axis=1) == pytest.approx((kernels**2).sum(axis=(1, 2)))


def test_shares_are_of_the_whole_and_of_no_scale():
    kernels = np.random.default_rng(0).normal(size=(50, 3, 3))
    shares = energy_by_order(kernels)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(energy_by_order(-7 * kernels), shares)


def test_what_lies_in_high_orders_answers_with_zero_to_polynomials_of_low_degree():
    kernels = np.random.default_rng(1).normal(size=(20, 3, 3))
    basis = polynomials(3)
    coefficients = basis @ kernels @ basis.T
    coefficients[:, np.add.outer(range(3), range(3)) < 2] = 0
    high = basis.T @ coefficients @ basis
    rows, columns = np.mgrid[-1:2, -1:2]
    for image in (np.ones((3, 3)), rows, columns, 2 - 3 * rows + columns):
        np.testing.assert_allclose((high * image).sum(axis=(1, 2)), 0, atol=1e-12)


@pytest.mark.parametrize("size", [(5, 5), (7, 7), (3, 3, 3)])
def test_energies_of_other_sizes_are_those_of_their_polynomials(size):
    kernels = np.random.default_rng(1).normal(size=(20, *size))
    vectors = kernels.reshape(20, -1)
    found = energies(kernels)
    assert found.shape == (20, sum(side - 1 for side in size) + 1)
    np.testing.assert_allclose(found.sum(axis=1), (vectors**2).sum(axis=1))
    np.testing.assert_allclose(
        found[:, 0], kernels.reshape(20, -1).sum(axis=1) ** 2 / np.prod(size)
    )
    places = np.indices(size) - size[0] // 2
    second = (places[-1] ** 2 - (places[-1] ** 2).mean())[None]  # of degree 2 along columns
    np.testing.assert_allclose(energy_by_order(second.astype(float))[0, 2], 1)


@pytest.mark.parametrize("size", [(5, 5), (7, 7), (3, 3, 3)])
def test_the_scheme_stands_in_the_middle_of_larger_kernels(size):
    axes = len(size)
    kernel = np.zeros((1, *size))
    middle = (0, *(side // 2 for side in size))
    kernel[middle] = -1
    kernel[(*middle[:-1], middle[-1] + 1)] = 1  # D+x
    row = content(kernel).iloc[0]
    assert row["m" + "0" * (axes - 1) + "1"] == pytest.approx(1)
    assert row[["angle_upwind", "angle_nearest_upwind", "angle_central"]].max() < 1e-6
    assert row["angle_nearest_central"] == pytest.approx(30)  # Dxx
    assert row["mean_zero_defect"] == 0


def test_mean_zero_defect():
    np.testing.assert_allclose(mean_zero_defect(np.stack([MEAN, ONE_SIDED, -MEAN])), [3, 0, 3])
    # The share of order 0 is the same in another form.
    kernels = np.random.default_rng(0).normal(size=(9, 3, 3))
    np.testing.assert_allclose((mean_zero_defect(kernels) / 3) ** 2, energy_by_order(kernels)[:, 0])


def test_angles_to_spans():
    stencils = finite_differences().double().numpy()
    np.testing.assert_allclose(angle_to_span(stencils[:4], stencils[:4]), 0, atol=1e-6)
    # Dx and Dxx are sums and differences of D+x and D-x; Dxy stands at right angles to all.
    np.testing.assert_allclose(angle_to_span(stencils[4:8], stencils[:4]), 0, atol=1e-6)
    np.testing.assert_allclose(angle_to_span(stencils[8:], stencils[:4]), 90)
    np.testing.assert_allclose(angle_to_span(MEAN[None], stencils[4:]), 90 - 0, atol=1e-6)
    # By least squares, whatever the basis.
    kernels = np.random.default_rng(0).normal(size=(5, 3, 3))
    basis = stencils[4:].reshape(5, 9).T
    for kernel, angle in zip(kernels, angle_to_span(kernels, stencils[4:]), strict=True):
        fitted = basis @ np.linalg.lstsq(basis, kernel.ravel(), rcond=None)[0]
        cosine = np.linalg.norm(fitted) / np.linalg.norm(kernel)
        assert angle == pytest.approx(np.degrees(np.arccos(cosine)))


def test_angles_to_single_stencils_tell_upwind_from_central():
    stencils = finite_differences().double().numpy()
    np.testing.assert_allclose(angle_to_nearest(-stencils[:4], stencils[:4]), 0, atol=1e-6)
    # D-x = (-1, 1, 0) and Dx = (-1/2, 0, 1/2): cosine 1/2; Dxx = (1, -2, 1): cosine -3/sqrt(12).
    assert angle_to_nearest(stencils[4:5], stencils[:4])[0] == pytest.approx(60)
    assert angle_to_nearest(stencils[:1], stencils[4:])[0] == pytest.approx(30)


def test_a_kernel_that_is_zero_has_moments_and_nothing_else():
    table = content(np.zeros((1, 3, 3)))
    assert table["m00"].tolist() == [0]
    assert table[[*ENERGIES, "mean_zero_defect", "angle_upwind"]].isna().all(axis=None)


def test_means_of_layers_and_parts():
    layers = [
        Layer(1, "a", np.stack([MEAN, ONE_SIDED])[:, None], part="encoder"),
        Layer(2, "b", MEAN[None, None], part="encoder"),
        Layer(3, "c", ONE_SIDED[None, None], part="decoder"),
    ]
    table = moment_table(layers)
    assert table[["layer", "kernel"]].to_numpy().tolist() == [[1, 0], [1, 1], [2, 0], [3, 0]]
    by_layer = content_by_layer(table, layers).set_index("layer")
    assert by_layer["mean_zero_defect"].tolist() == pytest.approx([1.5, 3, 0])
    assert by_layer["kernels"].tolist() == [2, 1, 1]
    parts = content_by_part(table, layers, 0.95).set_index(["part", "measure"])
    encoder = parts.loc[("encoder", "mean_zero_defect")]
    # 3, 0, 3: mean 2, standard error 1.
    assert encoder[["kernels", "mean", "low", "high"]].tolist() == pytest.approx(
        [3, 2, 2 - 1.959964, 2 + 1.959964]
    )
    assert parts.loc[("decoder", "energy_4"), "mean"] == pytest.approx(0.5)


@pytest.mark.parametrize("dimensions", [4, 5])
def test_the_angle_of_chance_is_that_of_normal_weights(dimensions):
    kernels = np.random.default_rng(0).normal(size=(20_000, 3, 3))
    span = np.eye(9)[:dimensions].reshape(-1, 3, 3)
    angles = angle_to_span(kernels, span)
    assert chance_angle(dimensions) == pytest.approx(
        angles.mean(), abs=4 * angles.std() / 20_000**0.5
    )


def test_the_spans_have_the_dimensions_that_chance_is_told_for():
    from upwind.levelset.equation.scheme import CENTRAL, UPWIND, finite_differences

    stencils = finite_differences().double().numpy().reshape(-1, 9)
    ranks = tuple(np.linalg.matrix_rank(stencils[part]) for part in (UPWIND, CENTRAL))
    assert ranks == SPAN_DIMENSIONS
