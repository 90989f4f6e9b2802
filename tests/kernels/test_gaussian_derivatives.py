"""Fits of Gaussian derivatives, of kernels that are known ones."""

import numpy as np
import pytest
from scipy.integrate import quad

from upwind.kernels.gaussian_derivatives import (
    gaussian_by_layer,
    gaussian_derivatives,
    gaussian_table,
    profiles,
)
from upwind.kernels.layers import Layer
from upwind.kernels.stencils import STENCILS


def test_profiles_are_integrals_over_pixels():
    def density(x):
        return np.exp(-((x / 0.8) ** 2) / 2)

    slopes = (density, lambda x: x * density(x), lambda x: ((x / 0.8) ** 2 - 1) * density(x))
    for found, slope in zip(profiles(5, 0.8), slopes, strict=True):
        expected = [quad(slope, k - 0.5, k + 0.5)[0] for k in range(-2, 3)]
        np.testing.assert_allclose(found / found[4], np.array(expected) / expected[4], rtol=1e-9)


def test_small_gaussians_have_the_finite_differences_for_derivatives():
    _, first, second = profiles(3, 0.1)
    np.testing.assert_allclose(first / first[2], [-1, 0, 1], atol=1e-12)
    np.testing.assert_allclose(second / second[2], [1, -2, 1], atol=1e-5)


@pytest.mark.parametrize("side", [5, 7])
@pytest.mark.parametrize("sign", [1, -1])
def test_what_was_put_in_comes_out(side, sign):
    scale = 0.3 * 1.08**15  # on the grid
    g, g1, g2 = profiles(side, scale)
    cos, sin = np.cos(np.radians(33)), np.sin(np.radians(33))
    first = cos * np.outer(g, g1) + sin * np.outer(g1, g)
    second = cos**2 * np.outer(g, g2) + 2 * cos * sin * np.outer(g1, g1) + sin**2 * np.outer(g2, g)
    laplacian = np.outer(g, g2) + np.outer(g2, g)
    kernels = sign * np.array([np.outer(g, g), first, second, laplacian])
    found = gaussian_derivatives(kernels)
    assert found["order"].tolist() == [0, 1, 2, 2]
    np.testing.assert_allclose(found["scale"], scale)
    turned = 33 if sign > 0 else 213
    np.testing.assert_allclose(found["angle"], [np.nan, turned, 33, np.nan], atol=1e-9)
    np.testing.assert_allclose(found["residual"], 0, atol=1e-12)


def test_what_lies_between_the_grids_leaves_little():
    random = np.random.default_rng(0)
    kernels = []
    for scale, angle in zip(random.uniform(0.5, 2, 50), random.uniform(0, np.pi, 50), strict=True):
        g, g1, g2 = profiles(7, scale)
        cos, sin = np.cos(angle), np.sin(angle)
        mixed = 2 * cos * sin * np.outer(g1, g1)
        kernels.append(cos**2 * np.outer(g, g2) + mixed + sin**2 * np.outer(g2, g))
    assert gaussian_derivatives(np.array(kernels))["residual"].max() < 0.01


def test_hand_crafted_kernels():
    found = gaussian_derivatives(np.stack(list(STENCILS.values()))).set_index([[*STENCILS]])
    assert found["order"].to_dict() == {
        "mean": 0, "gaussian": 0, "laplacian": 2, "edge_right": 1, "identity": 0, "sharpen": 2,
    }  # fmt: skip
    assert found["residual"].max() < 0.012
    assert found.loc["edge_right", "angle"] == 0  # the derivative to the right
    assert found["angle"].drop("edge_right").isna().all()


def test_no_factor_changes_a_fit():
    kernels = np.random.default_rng(1).normal(size=(20, 5, 5))
    one, other = gaussian_derivatives(kernels), gaussian_derivatives(1e-6 * kernels)
    np.testing.assert_allclose(one, other)


def test_a_kernel_of_zeros_has_no_fit():
    kernels = np.stack([np.zeros((3, 3)), np.eye(3)])
    table = gaussian_table([Layer(4, "a", kernels[:, None])])
    assert table.loc[0, ["order", "scale", "angle", "residual"]].isna().all()
    row = gaussian_by_layer(table).iloc[0]
    assert (row["layer"], row["kernels"], row["residual"]) == (4, 1, table.loc[1, "residual"])
    assert row[["order_0", "order_1", "order_2"]].sum() == 1
