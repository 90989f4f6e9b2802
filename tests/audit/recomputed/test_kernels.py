"""The numbers of Figure 2 from trained weights, on a small network of one level."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from upwind.audit.recomputed.kernels import check_kernels
from upwind.audit.recomputed.numbers import Results
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_verdicts import measure_cluster_tendency
from upwind.kernels.clustering import cluster, write_clustering
from upwind.kernels.layers import Layer, random_layers
from upwind.kernels.measures import measure
from upwind.kernels.tables import write_tables

CONFIG = {
    "kernels": {"network": "all", "spectrum_size": 64, "references": 4},
    "comparison": {"confidence": 0.95},
}
# Output and input channels; going up, the input of the level (1 channel) joins at the head.
LAYERS = {
    "down.0.first": (4, 1),
    "down.0.second": (4, 4),
    "bottom.first": (6, 4),
    "bottom.second": (6, 6),
    "up.0.first": (4, 6),
    "up.0.second": (4, 4),
}


@pytest.fixture
def results(tmp_path):
    """Weights, and the tables that the workflow makes of them, and a drawing with its numbers."""
    rng = np.random.default_rng(0)
    tensors = {
        f"{name}.weight": rng.normal(size=(*shape, 3, 3)).astype(np.float32)
        for name, shape in LAYERS.items()
    }
    layers = [Layer(number, name, array) for number, (name, array) in enumerate(tensors.items(), 1)]
    tensors["head.weight"] = np.zeros((1, 5, 1, 1), np.float32)
    path = tmp_path / "networks/unet/all/weights.safetensors"
    path.parent.mkdir(parents=True)
    save_file(tensors, path, metadata={"upwind": "{}"})
    write_clustering(cluster(layers, restarts=1), tmp_path / "kernels")
    networks = {"trained": layers, "initial": random_layers(layers, 0)}
    tables = measure(networks, AnalysisSettings(), 16, False)
    write_tables(tables, tmp_path / "kernels")
    tables = measure_cluster_tendency(networks, [], AnalysisSettings(references=4, starts=2))
    write_tables(tables, tmp_path / "kernels")
    return Results(tmp_path, "results/x", CONFIG)


def again(results):
    """A results that has read nothing yet."""
    return Results(results.folder, results.home, results.config)


def found(results):
    return {finding.path for finding in check_kernels(again(results)).findings}


def test_what_the_workflow_writes_holds(results):
    checked = check_kernels(results)
    assert checked.findings == ()
    kernels = sum(out * into for out, into in LAYERS.values())
    assert checked.counts["kernels"] == kernels
    assert checked.counts["kernel_layers"] == 5 * len(LAYERS)


@pytest.mark.parametrize(
    ("table", "column", "change"),
    [
        ("layers", "kernels", 1),
        ("layers", "in_channels", 1),
        ("layers", "kmeans_mean_score", 0.01),
        ("layers", "calinski_harabasz", 1e-3),
        ("kernels", "w4", 1e-3),
        ("kernels", "pc1", 1e-3),
        ("kernels", "cluster", 1),
        ("stencils", "pc2", 1e-3),
        ("axes", "w0", 1e-3),
        ("axes", "explained_variance_ratio", 1e-3),
        ("moments", "m21", 1e-3),
        ("content", "energy_2", 1e-3),
        ("content", "kernels", 1),
        ("nearest_shares", "share", 1e-3),
        ("cluster_tests", "value", 1e-3),
        ("cluster_tests", "effect", 1e-3),
        ("cluster_tests", "z", 1e-3),
        ("cluster_tests", "p", 1e-3),
        ("cluster_tests", "holm_p", -0.1),
        ("concentrations", "share", 0.1),
        ("concentrations", "holm_p", -0.1),
        ("concentrations", "isotropic", 1e-3),
        ("concentrations", "holm_p_isotropic", -0.1),
    ],
)
def test_every_number_of_figure_2(results, table, column, change):
    path = results.folder / f"kernels/{table}.csv"
    frame = pd.read_csv(path)
    frame[column] = frame[column] + type(change)(0)
    frame.loc[2, column] += change
    frame.to_csv(path, index=False)
    # Clusters show in the scores of their layer.
    expected = "layers" if column == "cluster" else table
    assert f"results/x/kernels/{expected}.csv" in found(results)


@pytest.mark.parametrize(
    ("table", "changes", "row"),
    [
        ("cluster_tests", {"holm_p": 0.01, "effect": 0.5}, 0),  # nothing of it in the verdict
        ("concentrations", {"holm_p": 0.01, "share": 0.5}, 0),
        ("concentrations", {"holm_p_isotropic": 0.01, "share": 0.5}, 0),
        ("cluster_verdicts", {"shared": "mean"}, 0),
        ("cluster_verdicts", {"verdict": "clusters", "around": "axes"}, 1),
        ("cluster_verdicts", {"favoured": "mean"}, 2),
    ],
)
def test_a_verdict_that_the_tests_do_not_give(results, table, changes, row):
    path = results.folder / f"kernels/{table}.csv"
    frame = pd.read_csv(path, keep_default_na=False)
    for column, value in changes.items():
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value
    frame.to_csv(path, index=False)
    assert "results/x/kernels/cluster_verdicts.csv" in found(results)


def test_results_from_before_the_test_for_clusters_hold_without_it(results):
    for name in ("cluster_tests", "concentrations", "cluster_verdicts"):
        (results.folder / f"kernels/{name}.csv").unlink()
    checked = check_kernels(again(results))
    assert checked.findings == ()
    assert "cluster_tests" not in checked.counts


def test_kernels_that_are_missing_from_the_moments(results):
    path = results.folder / "kernels/moments.csv"
    pd.read_csv(path).drop(index=3).to_csv(path, index=False)
    assert "results/x/kernels/moments.csv" in found(results)


def test_results_from_before_the_measures_hold_without_them(results):
    for name in ("moments", "content", "nearest_shares"):
        (results.folder / f"kernels/{name}.csv").unlink()
    old = Results(results.folder, results.home, {"kernels": {"network": "all"}})
    assert check_kernels(old).findings == ()


def test_other_weights_than_in_the_table(results):
    path = results.folder / "networks/unet/all/weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    assert found(results) == {"results/x/kernels/kernels.csv"}


@pytest.mark.parametrize(("table", "column"), [("kernels", "pc1"), ("axes", "w0")])
def test_a_value_that_is_not_finite(results, table, column):
    path = results.folder / f"kernels/{table}.csv"
    frame = pd.read_csv(path)
    frame.loc[1, column] = np.nan
    frame.to_csv(path, index=False, na_rep="nan")
    assert f"results/x/kernels/{table}.csv" in found(results)


def test_an_empty_table(results):
    (results.folder / "kernels/kernels.csv").write_text("layer,cluster\n")
    assert "results/x/kernels/kernels.csv" in found(results)


def test_weights_that_cannot_be_read(results):
    (results.folder / "networks/unet/all/weights.safetensors").write_bytes(b"\x01" * 30)
    assert found(results) == {"results/x/kernels/kernels.csv"}


def test_without_a_configuration_nothing_is_made_again(results):
    assert check_kernels(Results(results.folder, results.home, {})).counts == {}
