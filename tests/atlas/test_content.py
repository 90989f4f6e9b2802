"""What is said of layers and clusters, against definitions."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import silhouette_score

from upwind.atlas.content import atlas_content, part_of
from upwind.atlas.effects import measure_effects, read_examples
from upwind.atlas.responses import layer_maps
from upwind.common.errors import UpwindError
from upwind.data.slices import read_slices
from upwind.kernels.stencils import WEIGHTS


@pytest.fixture(scope="module")
def tables(made):
    examples = read_examples(made.slices, {3: np.array([2]), 8: np.array([4])})
    effects = measure_effects(made.clustered(), examples, "zero", torch.device("cpu"), 200, 0.95, 0)
    return effects, layer_maps(made.clustered(), read_slices(made.slices[0]).image[2])


@pytest.fixture(scope="module")
def layers(made, tables):
    return atlas_content(made.kernels, tables[0], made.replacements, tables[1], 2)


def test_layers_are_as_in_the_table(made, layers):
    assert [layer.number for layer in layers] == list(range(1, 11))
    sixth = layers[5]
    assert (sixth.part, sixth.level, sixth.size) == ("bottleneck", 0, (4, 4))
    assert (sixth.in_channels, sixth.out_channels, sixth.kernels) == (8, 8, 64)
    rows = made.kernels[made.kernels["layer"] == 6]
    expected = silhouette_score(rows[WEIGHTS], rows["cluster"])
    assert sixth.silhouette == pytest.approx(expected)


def test_clusters_are_as_in_the_table(made, layers):
    for layer in layers:
        rows = made.kernels[made.kernels["layer"] == layer.number]
        assert sum(cluster.kernels for cluster in layer.clusters) == len(rows)
        for cluster in layer.clusters:
            own = rows.loc[rows["cluster"] == cluster.number, WEIGHTS].to_numpy()
            assert cluster.mean.ravel() == pytest.approx(own.mean(axis=0))
            assert cluster.share == len(own) / len(rows)
            assert cluster.orders.sum() == pytest.approx(1)
            # By Pythagoras: what the mean does not stand for is the spread around it.
            spread = ((own - own.mean(axis=0)) ** 2).sum() / (own**2).sum()
            assert cluster.explained == pytest.approx(1 - spread)


def test_effects_stand_where_they_belong(tables, layers):
    effects = tables[0].set_index(["layer", "cluster"])
    assert layers[6].clusters[2].effect.change == effects.loc[(7, 3), "change"]
    assert layers[6].strongest.change == effects.loc[7, "change"].min()
    assert [e.name for e in layers[6].replacements] == ["centroid", "nearest", "shuffled"]
    assert layers[6].replacements[1].change == pytest.approx(-0.15)


def test_parts_of_the_papers_network():
    found = [part_of(layer, 4) for layer in range(1, 19)]
    assert found[0] == found[1] == ("encoder", 1)
    assert found[7] == ("encoder", 4)
    assert found[8] == found[9] == ("bottleneck", 0)
    assert found[10] == ("decoder", 4)
    assert found[17] == ("decoder", 1)


def test_a_layer_without_replacements_has_none(made, tables):
    rest = made.replacements[made.replacements["layer"] != "2"]
    layers = atlas_content(made.kernels, tables[0], rest, tables[1], 2)
    assert layers[1].replacements == ()


def test_tables_that_do_not_fit_are_named(made, tables):
    effects, maps = tables
    with pytest.raises(UpwindError, match="no row for cluster 3 of layer 10"):
        atlas_content(made.kernels, effects[:-1], made.replacements, maps, 2)
    fewer = made.replacements.drop(columns="relative_norm")
    with pytest.raises(UpwindError, match=r"replacements\.csv has no column relative_norm"):
        atlas_content(made.kernels, effects, fewer, maps, 2)
    with pytest.raises(UpwindError, match=r"effects\.csv has no column"):
        atlas_content(made.kernels, pd.DataFrame(), made.replacements, maps, 2)
