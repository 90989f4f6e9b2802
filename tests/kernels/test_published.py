from pathlib import Path

import pandas as pd
import pytest

from upwind.kernels.published import beside_published, published_layers
from upwind.networks.unet import UNet


def test_channels_and_kernels_are_those_of_the_live_network():
    published = published_layers()
    network = UNet()
    assert published["in_channels"].tolist() == [c.in_channels for c in network.layers()]
    assert published["out_channels"].tolist() == [c.out_channels for c in network.layers()]
    assert (published["in_channels"] * published["out_channels"] == published["kernels"]).all()
    assert published["kernels"].sum() == 14_608


def test_values_are_those_of_the_reference():
    shared = Path(__file__).resolve().parents[2].parent / "shared"
    reference = shared / "reference" / "unet_layers_published.csv"
    if not reference.exists():
        pytest.skip("the reference tables are not on this machine")
    expected = pd.read_csv(reference).rename(columns={"cluster_score": "calinski_harabasz"})
    pd.testing.assert_frame_equal(published_layers(), expected)


def test_published_values_stand_beside_the_layer_of_the_same_number():
    ours = pd.DataFrame({"layer": [19, 2], "calinski_harabasz": [5.0, 7.0]})
    both = beside_published(ours)
    assert both["layer"].tolist() == [19, 2]
    assert both.loc[0].filter(like="_published").isna().all()
    assert both.loc[1, "calinski_harabasz"] == 7.0
    assert both.loc[1, "calinski_harabasz_published"] == 34.8355
    assert both.loc[1, "kernels_published"] == 256
