"""The tables of several networks together, and of one of which only the weights are known."""

import numpy as np
import pandas as pd
import pytest

from upwind.kernels.analysis import analyse
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_verdicts import measure_cluster_tendency
from upwind.kernels.layers import Layer
from upwind.kernels.measures import measure
from upwind.kernels.tables import write_tables

SETTINGS = AnalysisSettings(references=3, starts=2, resamples=50)


def network(seed, scale=1.0):
    random = np.random.default_rng(seed)
    return [
        Layer(1, "in", scale * random.normal(size=(6, 2, 3, 3)), part="encoder", halvings=1),
        Layer(2, "out", random.normal(size=(4, 6, 3, 3)), part="decoder"),
    ]


@pytest.fixture(scope="module")
def networks():
    return {"trained": network(0), "initial": network(1), "lsn": network(2)[:1]}


@pytest.fixture(scope="module")
def tables(networks):
    return measure(networks, SETTINGS, 16, published=True)


def test_every_kernel_of_every_network_is_in_the_tables(tables):
    counts = tables["moments"].groupby("network", sort=False).size()
    assert counts.to_dict() == {"trained": 36, "initial": 36, "lsn": 12}
    keys = tables["moments"][["network", "layer", "kernel"]]
    assert not keys.duplicated().any()
    assert tables["nearest"]["network"].unique().tolist() == ["trained", "initial"]
    assert set(tables) == {
        "nearest", "nearest_shares", "moments", "content", "content_parts", "filter_db",
    }  # fmt: skip
    for name, table in tables.items():
        assert table.columns[0] == "network", name


def test_a_shift_is_that_from_the_trained_network(tables):
    shift = tables["filter_db"].set_index(["network", "layer"])["shift"]
    assert shift["trained"].isna().all()
    assert shift["lsn"].isna().all()
    assert (shift["initial"] > 0).all()


def test_published_shares_only_where_they_belong(networks, tables):
    assert {"share_published", "difference"} <= set(tables["nearest_shares"])
    alone = measure({"trained": networks["trained"]}, SETTINGS, 16, published=False)
    assert "share_published" not in alone["nearest_shares"]


def test_stability_needs_folds_and_the_start(networks):
    both = {name: networks[name] for name in ("trained", "initial")}
    found = measure_cluster_tendency(both, [network(3), network(4)], SETTINGS)["cluster_tendency"]
    over_folds = found[found["measure"].isin(["ari_folds", "ari_initial"])]
    assert len(over_folds) == 4
    assert over_folds["network"].unique().tolist() == ["trained"]
    without = measure_cluster_tendency({"trained": network(0)}, [network(3), network(4)], SETTINGS)
    assert not without["cluster_tendency"]["measure"].isin(["ari_folds"]).any()


def test_any_network_gets_the_same_tables(tables):
    layers = [*network(0, scale=1e4), Layer(3, "fixed", np.ones((8, 1, 3, 3)), groups=8)]
    found, left_out = analyse(layers, SETTINGS, 16)
    assert [layer.name for layer in left_out] == ["fixed"]
    assert set(found) == {
        *tables, "kernels", "layers", "stencils", "axes", "cluster_tendency", "gap",
        "cluster_verdicts", "cluster_tests", "concentrations", "gaussian", "gaussian_layers",
    }  # fmt: skip
    assert found["content"].groupby("network").size().tolist() == [3, 3]
    assert found["layers"]["name"].tolist() == ["in", "out"]
    assert found["layers"].loc[0, "scale"] == pytest.approx(
        np.sqrt((layers[0].kernels ** 2).sum(axis=(1, 2)).mean())
    )
    # Both layers at one scale.
    lengths = (found["kernels"].filter(regex=r"^w\d") ** 2).sum(axis=1)
    np.testing.assert_allclose(lengths.groupby(found["kernels"]["layer"]).mean(), 1)


def test_a_network_without_enough_kernels_is_measured_and_not_clustered():
    found, left_out = analyse([Layer(1, "a", network(0)[0].weights[:1])], SETTINGS, 16)
    assert len(left_out) == 1
    assert "content" in found
    assert "kernels" not in found


def test_tables_are_written_with_seven_digits(tmp_path):
    write_tables({"a": pd.DataFrame({"x": [1 / 3, 2e-9], "n": [1, 123456789]})}, tmp_path / "new")
    assert (tmp_path / "new/a.csv").read_text() == "x,n\n0.3333333,1\n2e-09,123456789\n"
