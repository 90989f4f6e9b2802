"""The simulation of the test for clusters, on few sets; docs/kernels.md has the full table."""

import numpy as np
import pytest

from upwind.figures.cluster_power import draw_cluster_power
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_power import (
    COLUMNS,
    SCENARIOS,
    cluster_power,
    gaussian,
    one_stencil,
    some_sobel,
    three_clusters,
)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_is_so_many_kernels_and_draws_what_it_is_told(scenario):
    for strength in SCENARIOS[scenario]:
        one, same, other = (
            scenario(np.random.default_rng(seed), 100, strength) for seed in (0, 0, 1)
        )
        assert one.shape == (100, 9)
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)


def test_clusters_lie_as_far_apart_as_is_said():
    drawn = three_clusters(np.random.default_rng(0), 3000, 50)
    far = np.linalg.norm(drawn[:, None, :] - drawn[None, :20], axis=2)
    assert far[far > 25].mean() == pytest.approx(50, rel=0.02)


def test_what_is_there_is_found_and_what_is_not_is_not():
    scenarios = {gaussian: (0,), three_clusters: (5,), some_sobel: (0.1,)}
    scenarios |= {one_stencil: (0.05,)}
    table = cluster_power(4, AnalysisSettings(), sizes=(256,), scenarios=scenarios)
    assert list(table.columns) == list(COLUMNS)
    shares = table.set_index(["scenario", "found"])["share"]
    assert shares["three_clusters", "clusters"] == 1
    assert shares["some_sobel", "favoured directions"] == 1
    assert shares["one_stencil", "one shared direction"] == 1
    assert (shares["gaussian"].drop("clusters, as the only layer") == 0).all()
    assert (table["low"] <= table["share"]).all()
    assert (table["share"] <= table["high"]).all()
    figure = draw_cluster_power(table)
    assert [len(axes.get_legend_handles_labels()[1]) for axes in figure.axes] == [1, 0, 0, 1]
