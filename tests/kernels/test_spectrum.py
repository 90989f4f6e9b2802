"""The nearest hand-crafted kernel, against the authors' procedure written out."""

import numpy as np
import pytest

from upwind.kernels import spectrum
from upwind.kernels.layers import Layer
from upwind.kernels.published import beside_published_shares, published_shares
from upwind.kernels.spectrum import nearest_stencils, nearest_table, shares
from upwind.kernels.stencils import INDETERMINATE, STENCILS


def authors(kernel, size):
    """Name of the nearest kernel, in plain steps."""

    def spectrum(array):
        padded = np.zeros((size, size))
        padded[:3, :3] = array
        values = sorted(np.abs(np.fft.fft2(padded)).ravel(), reverse=True)
        return np.array(values) / values[0]

    distances = {n: np.abs(spectrum(kernel) - spectrum(s)).sum() for n, s in STENCILS.items()}
    name = min(distances, key=distances.get)
    return name if distances[name] <= 0.10 * size**2 else INDETERMINATE


@pytest.mark.parametrize("size", [4, 16])
def test_nearest_as_in_the_authors_procedure(size):
    kernels = np.random.default_rng(0).normal(size=(60, 3, 3))
    found = nearest_stencils(kernels, size)["nearest"].tolist()
    assert found == [authors(kernel, size) for kernel in kernels]
    assert len(set(found)) > 2


def test_a_stencil_is_nearest_to_itself_however_turned_and_scaled():
    for name, stencil in STENCILS.items():
        turned = np.stack([stencil, -3 * np.rot90(stencil), stencil[:, ::-1]])
        found = nearest_stencils(turned, 16)
        assert found["nearest"].tolist() == [name] * 3
        np.testing.assert_allclose(found["distance"], 0, atol=1e-12)


def test_a_kernel_that_is_zero_is_nearest_to_none():
    found = nearest_stencils(np.zeros((1, 3, 3)), 8)
    assert found["nearest"].tolist() == [INDETERMINATE]
    assert found["distance"].isna().all()


def test_shares_of_a_layer_add_up_and_stand_beside_the_published():
    kernels = np.stack([STENCILS["mean"]] * 3 + [STENCILS["identity"]])
    table = nearest_table([Layer(2, "a", kernels.reshape(2, 2, 3, 3), halvings=1)], 32)
    share = beside_published_shares(shares(table, 0.95)).set_index("stencil")
    assert share.loc["mean", "share"] == 0.75
    assert share["share"].sum() == 1
    assert share["kernels"].unique().tolist() == [4]
    assert share.loc["sharpen", "share_published"] == 0.203125
    assert share.loc["mean", "difference"] == pytest.approx(0.75 - 0.027344)


def test_published_shares_are_counts_of_the_layers_kernels():
    published = published_shares()
    assert len(published) == 18 * 7
    sums = published.groupby("layer")["share_published"].sum()
    np.testing.assert_allclose(sums, 1, atol=1e-5)
    second = published[published["layer"] == 2]["share_published"] * 256
    np.testing.assert_allclose(second, second.round(), atol=2e-4)


@pytest.mark.parametrize("at_once", [1, 5 * 64, 2**22])
def test_pieces_of_any_size_give_the_same_to_the_bit(monkeypatch, at_once):
    kernels = np.random.default_rng(0).normal(size=(37, 3, 3))
    expected = nearest_stencils(kernels, 8)
    monkeypatch.setattr(spectrum, "_AT_ONCE", at_once)
    assert nearest_stencils(kernels, 8).equals(expected)
