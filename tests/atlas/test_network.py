"""The clusters in the table are those of the network's own kernels."""

import pytest
import torch

from upwind.atlas.network import read_clustered
from upwind.common.errors import UpwindError
from upwind.networks.lsn import LSN
from upwind.networks.weights import Recipe, save_weights


def test_each_kernel_has_its_cluster(made):
    clustered = made.clustered()
    assert len(clustered.layers) == 10
    row = made.kernels[(made.kernels["layer"] == 6) & (made.kernels["kernel"] == 11)].iloc[0]
    out, into = int(row["out_channel"]), int(row["in_channel"])
    assert clustered.clusters[5][out, into] == row["cluster"]
    kernel = clustered.layers[5].weight[out, into].detach().numpy().ravel()
    assert kernel == pytest.approx(row[[f"w{n}" for n in range(9)]].to_numpy(float), rel=1e-6)
    assert read_clustered(made.weights, made.kernels, 0.3).recipe.threshold == 0.3


def test_kernels_of_another_network_are_refused(made):
    other = made.kernels.copy()
    other.loc[other["layer"] == 4, "w3"] += 1e-3
    with pytest.raises(UpwindError, match="kernels of layer 4"):
        read_clustered(made.weights, other, 0.5)
    with pytest.raises(UpwindError, match="kernels of layer 10"):
        read_clustered(made.weights, made.kernels[made.kernels["layer"] < 10], 0.5)


def test_an_lsn_has_no_atlas(made, tmp_path):
    torch.manual_seed(0)
    options = {"disc": (0.5, 0.5, 0.1), "steps": 2}
    recipe = Recipe("lsn", 16, (-100.0, 400.0), 0.5, options)
    save_weights(tmp_path / "lsn.safetensors", LSN(**options), recipe)
    with pytest.raises(UpwindError, match="the atlas shows a unet"):
        read_clustered(tmp_path / "lsn.safetensors", made.kernels, 0.5)
