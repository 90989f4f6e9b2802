"""Figure 2 to be read."""

import numpy as np
import pytest
from matplotlib.offsetbox import AnnotationBbox

from upwind.figures.kernel_icons import draw_icons, icon
from upwind.figures.style import PALETTE, save
from upwind.kernels.clustering import cluster
from upwind.kernels.layers import Layer
from upwind.kernels.stencils import STENCILS, WEIGHTS


@pytest.fixture(scope="module")
def clustering():
    random = np.random.default_rng(0)
    shapes = {1: (4, 6), 2: (40, 30)}
    layers = [Layer(n, "", random.normal(size=(*s, 3, 3)) / 4) for n, s in shapes.items()]
    return cluster(layers, restarts=1)


@pytest.fixture(scope="module")
def figure(clustering):
    return draw_icons(clustering, None, {1: "encoder", 2: "decoder"})


def icons(axes):
    return {a.get_gid(): a for a in axes.findobj(AnnotationBbox)}


def test_an_icon_shows_weights_by_sign_and_size():
    image = icon([1, 0, 0, 0, -1, 0, 0, 0, 0.5], 1.0)
    weights = image[::10, ::10]
    assert weights.shape == (3, 3, 3)
    red, blue = weights[0, 0], weights[1, 1]
    assert red[0] > 2 * red[2]
    assert blue[2] > 2 * blue[0]
    np.testing.assert_allclose(weights[0, 1], 0.97, atol=0.01)  # zero: all but white
    assert red[1] < weights[2, 2][1] < weights[0, 1][1]
    assert np.isfinite(icon(np.zeros(9), 0.0)).all()
    np.testing.assert_array_equal(icon(np.full(9, 7.0), 1.0), icon(np.ones(9), 1.0))


def test_every_panel_has_stencils_and_centres_with_lines_to_their_places(figure, clustering):
    for axes, layer in zip(figure.axes, (1, 2), strict=False):
        names = {f"stencil-{name}" for name in STENCILS} | {f"centre-{n}" for n in (1, 2, 3)}
        assert set(icons(axes)) == names
        dots = {tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == "o"}
        marks = clustering.stencils[["pc1", "pc2"]].itertuples(index=False, name=None)
        assert set(marks) <= dots
        kernels = clustering.kernels[clustering.kernels["layer"] == layer]
        centres = kernels.groupby("cluster")[["pc1", "pc2"]].mean()
        for centre in centres.itertuples(index=False, name=None):
            assert np.abs(np.array(sorted(dots)) - centre).max(axis=1).min() < 1e-12


def test_centres_are_drawn_as_they_are(figure, clustering):
    kernels = clustering.kernels.query("layer == 2 and cluster == 1")
    box = icons(figure.axes[1])["centre-1"]
    shown = box.offsetbox.get_data()
    centres = clustering.kernels.groupby(["layer", "cluster"])[WEIGHTS].mean()
    largest = centres.abs().max(axis=None)  # one scale for the whole figure
    np.testing.assert_allclose(shown, icon(kernels[WEIGHTS].mean().to_numpy(), largest))
    assert box.patch.get_edgecolor()[:3] == pytest.approx(
        tuple(int(PALETTE[0][i : i + 2], 16) / 255 for i in (1, 3, 5))
    )


def test_depth_is_density(figure):
    (image,) = figure.axes[1].images
    opacity = np.asarray(image.get_array())[..., 3]
    assert opacity.max() == pytest.approx(1)
    assert opacity[0].max() < 0.05  # the band of the icons
    few, many = (
        sum(len(c.get_offsets()) for c in axes.collections if c.get_gid() == "kernels")
        for axes in figure.axes[:2]
    )
    assert (few, many) == (24, 0)


def test_encoder_and_decoder_are_told_apart(figure):
    titles = [axes.title for axes in figure.axes[:2]]
    assert [t.get_text() for t in titles] == [
        "Layer 1: 24 kernels (encoder)",
        "Layer 2: 1,200 kernels (decoder)",
    ]
    assert titles[0].get_color() != titles[1].get_color()


def test_legible_and_saved(figure, assert_legible, tmp_path):
    assert_legible(figure)
    save(figure, tmp_path / "f.png", tmp_path / "f.pdf")
    assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")
