"""Figures of what is measured of kernels, layer by layer."""

from dataclasses import replace

import numpy as np
import pytest

from upwind.figures.kernel_cluster_tendency import draw_cluster_tendency
from upwind.figures.kernel_content import draw_content, draw_nearest
from upwind.kernels.analysis import analyse
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_verdicts import measure_cluster_tendency
from upwind.kernels.layers import Layer
from upwind.kernels.measures import measure

SETTINGS = AnalysisSettings(references=3, starts=2, resamples=50)
PARTS = ["encoder", "encoder", "bottleneck", "decoder"]


def network(seed):
    random = np.random.default_rng(seed)
    return [
        Layer(n, f"conv {n}", random.normal(size=(8, 5, 3, 3)), part=part)
        for n, part in enumerate(PARTS, start=1)
    ]


@pytest.fixture(scope="module")
def tables():
    networks = {"trained": network(0), "initial": network(1)}
    found = measure_cluster_tendency(networks, [network(2), network(3)], SETTINGS)
    lsn = [replace(layer, part="all") for layer in network(5)[:2]]
    networks |= {"second_seed": network(4), "lsn": lsn}
    return found | measure(networks, SETTINGS, 16, published=True)


def heights(axes, marker):
    """Where the points with this marker stand, from left to right."""
    (line,) = [line for line in axes.lines if line.get_marker() == marker]
    return np.asarray(line.get_ydata(), dtype=float)


def test_tendency_shows_values_intervals_and_what_there_is_without_clusters(
    tables, assert_legible, texts
):
    figure = draw_cluster_tendency(tables["cluster_tendency"], tables["cluster_tests"])
    table = tables["cluster_tendency"].set_index(["network", "measure"])
    for axes, measure_ in zip(figure.axes[1:], ("silhouette", "gap", "ari_starts"), strict=False):
        rows = table.loc[("trained", measure_)]
        np.testing.assert_allclose(heights(axes, "o"), rows["value"])
        np.testing.assert_allclose(heights(axes, "s"), table.loc[("initial", measure_), "value"])
        bars = [patch for patch in axes.patches if patch.get_width() == 0.75]
        np.testing.assert_allclose([bar.get_y() for bar in bars], rows["reference_low"])
        tops = [bar.get_y() + bar.get_height() for bar in bars]
        np.testing.assert_allclose(tops, rows["reference_high"])
    np.testing.assert_allclose(
        heights(figure.axes[4], "v"), table.loc[("trained", "ari_initial"), "value"]
    )
    z = tables["cluster_tests"].groupby(["network", "layer"])["z"].max()
    np.testing.assert_allclose(heights(figure.axes[0], "o"), z["trained"])
    np.testing.assert_allclose(heights(figure.axes[0], "s"), z["initial"])
    assert {"encoder", "bottleneck", "decoder", "at initialisation"} <= set(texts(figure))
    assert_legible(figure)


def test_content_shows_every_network_and_energy_that_adds_up(tables, assert_legible):
    figure = draw_content(tables["content"])
    content = tables["content"].set_index("network")
    first, lsn, *_ = figure.axes
    for axes, count in ((first, 4), (lsn, 2)):
        bars = [patch for patch in axes.patches if patch.get_width() == 0.82]
        assert len(bars) == 5 * count
        assert max(bar.get_y() + bar.get_height() for bar in bars) == pytest.approx(1)
    axes = figure.axes[4]
    np.testing.assert_allclose(heights(axes, "o"), content.loc["trained", "angle_upwind"])
    np.testing.assert_allclose(heights(axes, "D"), content.loc["second_seed", "angle_upwind"])
    assert_legible(figure)


def test_nearest_shows_ours_and_the_published(tables, assert_legible):
    figure = draw_nearest(tables["nearest_shares"])
    shares = tables["nearest_shares"].set_index(["network", "stencil"])
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    axes = figure.axes[titles.index("edge right")]
    rows = shares.loc[("trained", "edge_right")]
    np.testing.assert_allclose(heights(axes, "o"), rows["share"])
    np.testing.assert_allclose(heights(axes, "*"), rows["share_published"])
    assert axes.get_ylim()[1] > rows[["share", "share_published"]].max(axis=None)
    assert_legible(figure)


def test_a_network_of_which_only_the_weights_are_known(assert_legible, texts):
    tables, _ = analyse([replace(layer, part="all") for layer in network(0)], SETTINGS, 16)
    for figure in (
        draw_cluster_tendency(
            tables["cluster_tendency"], tables["cluster_tests"], "random weights"
        ),
        draw_content(tables["content"], "random weights"),
        draw_nearest(tables["nearest_shares"], "random weights"),
    ):
        assert_legible(figure)
        shown = set(texts(figure))
        assert "random weights" in shown
        assert not shown & {
            "encoder",
            "published",
            "at initialisation",
            "trained from another seed",
        }
