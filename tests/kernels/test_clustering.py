import numpy as np
import pandas as pd
import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.kernels.clustering import cluster, read_clustering, write_clustering
from upwind.kernels.layers import Layer
from upwind.kernels.stencils import STENCILS, WEIGHTS
from upwind.networks.unet import UNet


def layer(number, weights):
    return Layer(number, f"layer {number}", np.asarray(weights))


def random_layers(seed=0):
    random = np.random.default_rng(seed)
    first = random.normal(size=(6, 4, 3, 3))
    return [layer(1, first), layer(2, 2 * random.normal(size=(5, 6, 3, 3)) + 0.3)]


@pytest.fixture(scope="module")
def clustering():
    return cluster(random_layers())


def test_kernels_are_numbered_and_flattened_row_by_row():
    weights = np.arange(2 * 3 * 9.0).reshape(2, 3, 3, 3)
    assert layer(1, weights).kernels[4].ravel().tolist() == list(range(36, 45))
    table = cluster(
        [layer(7, weights + np.random.default_rng(0).normal(size=weights.shape))]
    ).kernels
    assert table["layer"].unique().tolist() == [7]
    assert table["kernel"].tolist() == list(range(6))
    assert table["out_channel"].tolist() == [0, 0, 0, 1, 1, 1]
    assert table["in_channel"].tolist() == [0, 1, 2, 0, 1, 2]
    # Kernel 4 is output channel 1, input channel 1; w5 is row 1, column 2.
    assert table.loc[4, "w5"] == pytest.approx(weights[1, 1, 1, 2], abs=4)


def test_axes_are_those_of_the_pooled_kernels(clustering):
    pooled = np.concatenate([layer.kernels.reshape(-1, 9) for layer in random_layers()])
    centred = pooled - pooled.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign((axes * clustering.axes[WEIGHTS].to_numpy()).sum(axis=1))
    np.testing.assert_allclose(clustering.axes[WEIGHTS], axes * signs[:, None], atol=1e-9)
    np.testing.assert_allclose(
        clustering.axes["explained_variance_ratio"], singular**2 / (singular**2).sum()
    )
    np.testing.assert_allclose(
        clustering.kernels[["pc1", "pc2"]], centred @ (axes * signs[:, None])[:2].T, atol=1e-9
    )


def test_stencils_are_projected_like_the_kernels():
    """A learned kernel that equals a stencil must lie on the stencil's mark."""
    layers = random_layers()
    layers[1].weights[2, 3] = STENCILS["sharpen"]
    result = cluster(layers)
    learned = result.kernels.query("layer == 2 and out_channel == 2 and in_channel == 3")
    mark = result.stencils.set_index("stencil").loc["sharpen"]
    np.testing.assert_allclose(
        learned[["pc1", "pc2"]].to_numpy()[0], mark[["pc1", "pc2"]].to_numpy(dtype=float)
    )
    assert result.stencils["stencil"].tolist() == list(STENCILS)


def test_scores_by_their_definitions(clustering):
    for summary in clustering.layers.itertuples():
        table = clustering.kernels[clustering.kernels["layer"] == summary.layer]
        kernels, groups = table[WEIGHTS].to_numpy(), table["cluster"].to_numpy()
        centroids = np.array([kernels[groups == g].mean(axis=0) for g in (1, 2, 3)])
        within = ((kernels - centroids[groups - 1]) ** 2).sum()
        between = ((centroids[groups - 1] - kernels.mean(axis=0)) ** 2).sum()
        assert summary.kmeans_mean_score == pytest.approx(-within / len(kernels))
        expected = (between / 2) / (within / (len(kernels) - 3))
        assert summary.calinski_harabasz == pytest.approx(expected)
        assert summary.kernels == len(kernels) == summary.in_channels * summary.out_channels
        # Every kernel belongs to its nearest centroid.
        distances = ((kernels[:, None] - centroids) ** 2).sum(axis=2)
        assert (distances.argmin(axis=1) + 1 == groups).all()


def test_clusters_that_are_there_are_found_and_numbered_along_the_first_axis():
    random = np.random.default_rng(1)
    truth = random.permutation(np.repeat([0, 1, 2], 20))
    direction = np.full(9, 1 / 3)
    kernels = (truth[:, None] - 1) * 5 * direction + 0.1 * random.normal(size=(60, 9))
    result = cluster([layer(1, kernels.reshape(10, 6, 3, 3))])
    along = np.sign(result.axes.loc[0, WEIGHTS].to_numpy(dtype=float) @ direction)
    expected = truth + 1 if along > 0 else 3 - truth
    assert result.kernels["cluster"].tolist() == expected.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_numbers_of_clusters_do_not_depend_on_the_order_of_the_kernels(seed):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(3, 9)) * 10
    kernels = np.repeat(centres, 8, axis=0) + random.normal(size=(24, 9))
    order = random.permutation(24)
    first = cluster([layer(1, kernels.reshape(6, 4, 3, 3))]).kernels["cluster"].to_numpy()
    second = cluster([layer(1, kernels[order].reshape(6, 4, 3, 3))]).kernels["cluster"].to_numpy()
    assert (second == first[order]).all()


def test_layers_are_clustered_each_for_itself(clustering):
    alone = cluster(random_layers()[1:])
    both = clustering.kernels[clustering.kernels["layer"] == 2]["cluster"]
    # Axes differ, so numbers may; the partition must not.
    assert len(set(zip(both, alone.kernels["cluster"], strict=True))) == 3


def test_the_papers_network_gives_14608_kernels_and_the_same_result_twice():
    torch.manual_seed(0)
    convolutions = enumerate(UNet().layers(), start=1)
    layers = [layer(n, convolution.weight.detach().numpy()) for n, convolution in convolutions]
    first, second = cluster(layers, restarts=1), cluster(layers, restarts=1)
    assert len(first.kernels) == first.layers["kernels"].sum() == 14_608
    assert first.layers["layer"].tolist() == list(range(1, 19))
    pd.testing.assert_frame_equal(first.kernels, second.kernels, check_exact=True)


def test_tables_come_back_exactly(clustering, tmp_path):
    write_clustering(clustering, tmp_path / "clusters")
    again = read_clustering(tmp_path / "clusters")
    for name in ("kernels", "layers", "stencils", "axes"):
        pd.testing.assert_frame_equal(
            getattr(clustering, name), getattr(again, name), check_exact=True, check_dtype=False
        )


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "no convolution layers"),
        ([layer(1, np.zeros((4, 4, 1, 1)))], "are not kernels .* of 3x3"),
        ([layer(1, np.full((4, 4, 3, 3), np.nan))], "NaN or infinite"),
        ([layer(5, np.ones((4, 4, 3, 3)))], "layer 5 has 1 different kernels"),
    ],
)
def test_bad_weights_are_named(layers, message):
    with pytest.raises(UpwindError, match=message):
        cluster(layers)
