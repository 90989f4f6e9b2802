import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba

from upwind.common.errors import UpwindError
from upwind.figures.kernel_clusters import PAPER_LAYERS, draw_clusters
from upwind.figures.style import PALETTE
from upwind.kernels.clustering import cluster
from upwind.kernels.layers import Layer
from upwind.kernels.stencils import STENCILS
from upwind.networks.unet import UNet


def clustering_of(network, scale=1.0, clusters=3):
    torch.manual_seed(0)
    for layer in network.layers():
        torch.nn.init.xavier_normal_(layer.weight, gain=scale)
    layers = [
        Layer(number, str(number), convolution.weight.detach().numpy())
        for number, convolution in enumerate(network.layers(), start=1)
    ]
    return cluster(layers, clusters=clusters, restarts=1)


@pytest.fixture(scope="module")
def clustering():
    return clustering_of(UNet())


@pytest.fixture(scope="module")
def figure(clustering):
    return draw_clusters(clustering)


def points(axes):
    (collection,) = [c for c in axes.collections if c.get_gid() == "kernels"]
    return collection


def marks(axes):
    """Position of each hand-crafted kernel by name."""
    found = {line.get_gid(): line.get_xydata()[0] for line in axes.lines if line.get_gid()}
    return {gid.removeprefix("stencil-"): tuple(place) for gid, place in found.items()}


def test_one_panel_for_each_layer_of_the_paper_with_every_kernel(figure, clustering):
    assert [axes.get_title() for axes in figure.axes] == [
        "Layer 2: 256 kernels", "Layer 11: 2,048 kernels", "Layer 12: 1,024 kernels",
        "Layer 13: 768 kernels", "Layer 14: 256 kernels", "Layer 15: 512 kernels",
        "Layer 16: 256 kernels", "Layer 17: 512 kernels", "Layer 18: 256 kernels",
    ]  # fmt: skip
    for layer, axes in zip(PAPER_LAYERS, figure.axes, strict=True):
        expected = clustering.kernels[clustering.kernels["layer"] == layer]
        if layer in (11, 12, 13):  # points would cover each other: their density
            assert len(axes.images) == 1
            assert not [c for c in axes.collections if c.get_gid() == "kernels"]
        else:
            np.testing.assert_array_equal(points(axes).get_offsets(), expected[["pc1", "pc2"]])


def test_colours_are_those_of_the_clusters(figure, clustering):
    table = clustering.kernels[clustering.kernels["layer"] == 18]
    colours = points(figure.axes[-1]).get_facecolors()[:, :3]
    expected = [to_rgba(PALETTE[number - 1])[:3] for number in table["cluster"]]
    np.testing.assert_allclose(colours, expected)
    assert len(np.unique(colours, axis=0)) == 3


def test_stencils_stand_at_the_same_place_in_every_panel_and_are_named_once(
    figure, clustering, texts
):
    written = texts(figure)
    for name in ("mean", "gaussian", "laplacian", "edge right", "identity", "sharpen"):
        assert written.count(name) == 1
    table = clustering.stencils.set_index("stencil")
    first = marks(figure.axes[0])
    assert list(first) == list(STENCILS)
    for axes in figure.axes:
        assert marks(axes) == first
        # At the same place of the panel too: the axes are shared.
        assert axes.get_xlim() == figure.axes[0].get_xlim()
        assert axes.get_ylim() == figure.axes[0].get_ylim()
    for name, place in first.items():
        assert place == tuple(table.loc[name, ["pc1", "pc2"]])


def test_both_axes_have_one_scale_and_hold_everything(figure):
    for axes in figure.axes:
        box = axes.get_window_extent()
        x, y = axes.get_xlim(), axes.get_ylim()
        assert box.width / (x[1] - x[0]) == pytest.approx(box.height / (y[1] - y[0]))
        drawn = np.array(list(marks(axes).values()))
        if not axes.images:
            drawn = np.vstack([points(axes).get_offsets(), drawn])
        assert (drawn.min(axis=0) > [x[0], y[0]]).all()
        assert (drawn.max(axis=0) < [x[1], y[1]]).all()


def test_axes_say_how_much_variance_they_explain(figure, clustering, texts):
    first, second = clustering.axes["explained_variance_ratio"][:2]
    written = texts(figure)
    assert f"PC 1 ({100 * first:.1f}% of the variance)" in written
    assert f"PC 2 ({100 * second:.1f}% of the variance)" in written
    for name in ("cluster 1", "cluster 2", "cluster 3"):
        assert name in written


def test_all_layers(clustering, assert_legible):
    figure = draw_clusters(clustering, layers=None)
    assert len(figure.axes) == 18
    assert figure.get_figheight() < 11  # a page
    few = [axes for axes in figure.axes if not axes.images]
    table = clustering.layers[clustering.layers["kernels"] <= 600]
    assert sum(len(points(axes).get_offsets()) for axes in few) == table["kernels"].sum()
    assert_legible(figure)


# Weights far smaller and far larger than the stencils, whose marks then lie far apart or close by.
@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_text_is_legible(scale, assert_legible):
    figure = draw_clusters(clustering_of(UNet((4, 6), 8), scale), layers=(1, 4, 10))
    assert_legible(figure)
    assert figure.get_figwidth() == pytest.approx(7.16)


def test_a_far_outlier_is_a_ring_on_the_frame_and_leaves_the_scale_to_the_others(texts):
    network = UNet((8, 8), 8)
    usual = draw_clusters(clustering_of(network), layers=(2, 3))
    clusters = clustering_of(network)
    row = clusters.kernels.index[clusters.kernels["layer"] == 3][5]
    clusters.kernels.loc[row, ["pc1", "pc2"]] = [40.0, 0.0]
    figure = draw_clusters(clusters, layers=(2, 3))
    width = np.ptp(figure.axes[0].get_xlim())
    assert width < 2 * np.ptp(usual.axes[0].get_xlim())
    rings = [next(c for c in axes.collections if c.get_gid() == "outside") for axes in figure.axes]
    assert [len(ring.get_offsets()) for ring in rings] == [0, 1]
    assert rings[1].get_offsets()[0].tolist() == [figure.axes[1].get_xlim()[1], 0.0]
    colour = PALETTE[clusters.kernels.loc[row, "cluster"] - 1]
    assert tuple(rings[1].get_edgecolors()[0]) == to_rgba(colour)
    assert "outside" in texts(figure)
    assert "outside" not in texts(usual)


def test_another_number_of_clusters(texts):
    figure = draw_clusters(clustering_of(UNet((4,), 6), clusters=2), layers=(2,))
    assert "cluster 2" in texts(figure)
    assert "cluster 3" not in texts(figure)


def test_layers_that_are_not_there_are_named():
    with pytest.raises(UpwindError, match=r"layers \[11, 12, .*network has layers \[1, 2, 3"):
        draw_clusters(clustering_of(UNet((4,), 6)))


def test_more_clusters_than_colours_are_refused():
    many = clustering_of(UNet((4,), 6))
    many.kernels.loc[0, "cluster"] = 9
    with pytest.raises(UpwindError, match="9 clusters"):
        draw_clusters(many, layers=None)
