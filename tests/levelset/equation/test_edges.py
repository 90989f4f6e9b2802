import numpy as np
import pytest
import torch
from scipy import ndimage

from upwind.levelset.equation.edges import edge_function, sobel


def random_images(n=3, h=9, w=12):
    return torch.randn((n, h, w), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_sobel_is_exact_on_a_plane_and_along_the_right_axes():
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(7.0), indexing="ij")
    x, y = sobel((2 * columns - 5 * rows)[None])
    torch.testing.assert_close(x[:, 1:-1, 1:-1], torch.full((1, 4, 5), 2.0))
    torch.testing.assert_close(y[:, 1:-1, 1:-1], torch.full((1, 4, 5), -5.0))


def test_sobel_equals_scipy_with_replicated_borders():
    images = random_images()
    x, y = sobel(images)
    for image, along_x, along_y in zip(images.numpy(), x.numpy(), y.numpy(), strict=True):
        np.testing.assert_allclose(along_x, ndimage.sobel(image, 1, mode="nearest") / 8, atol=1e-12)
        np.testing.assert_allclose(along_y, ndimage.sobel(image, 0, mode="nearest") / 8, atol=1e-12)


def test_edge_function_by_hand_on_two_ramps():
    # Slopes 1 and 1/2 of the largest: n = 1 and 1/16, so g = 1 / 21 and 1 / (1 + 20 / 16).
    profile = torch.cumsum(torch.tensor([4.0] * 8 + [2.0] * 8), 0)
    g = edge_function(profile.expand(1, 5, 16), 20.0)
    torch.testing.assert_close(g[0, :, 2:6], torch.full((5, 4), 1 / 21))
    torch.testing.assert_close(g[0, :, 10:14], torch.full((5, 4), 1 / 2.25))


@pytest.mark.parametrize("contrast", [0.0, 3.0, 20.0])
def test_edge_function_lies_between_its_limits_and_reaches_the_lower_one(contrast):
    g = edge_function(random_images(), contrast)
    assert float(g.max()) <= 1.0
    torch.testing.assert_close(
        g.amin((1, 2)), torch.full((3,), 1 / (1 + contrast), dtype=torch.float64)
    )


def test_every_slice_has_its_own_maximum_and_units_do_not_matter():
    images = random_images()
    scaled = images * torch.tensor([1.0, 100.0, 0.01], dtype=torch.float64)[:, None, None] + 7
    found, expected = (edge_function(given, 20.0) for given in (scaled, images))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)


def test_an_image_without_edges_gives_one_everywhere():
    g = edge_function(torch.full((1, 6, 6), 0.3), 20.0)
    assert torch.equal(g, torch.ones_like(g))
