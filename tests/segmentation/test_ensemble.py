from dataclasses import replace

import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, save_weights
from upwind.segmentation.ensemble import load_ensemble

RECIPE = Recipe("unet", 16, (-100.0, 400.0))


@pytest.fixture
def write(tmp_path):
    def written(name, **changes):
        path = tmp_path / f"{name}.safetensors"
        torch.manual_seed(len(name))
        save_weights(path, UNet(), replace(RECIPE, **changes))
        return path

    return written


def test_networks_come_in_the_order_given(write):
    paths = [write("a"), write("bb"), write("ccc")]
    ensemble = load_ensemble(paths)
    assert ensemble.recipe == RECIPE
    for path, network in zip(paths, ensemble.networks, strict=True):
        (alone,) = load_ensemble([path]).networks
        first, second = (next(iter(n.state_dict().values())) for n in (network, alone))
        torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert len(ensemble.networks) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": 32}, "trained with 16 and .* with 32: .* need the same in-plane size"),
        ({"window": (-200.0, 250.0)}, "need the same HU window"),
        ({"threshold": 0.4}, "need the same threshold, or --threshold"),
    ],
)
def test_what_reads_a_ct_differently_does_not_go_together(write, changes, message):
    with pytest.raises(UpwindError, match=message):
        load_ensemble([write("a"), write("b", **changes)])


def test_a_stated_threshold_counts_for_all(write):
    ensemble = load_ensemble([write("a"), write("b", threshold=0.4)], threshold=0.3)
    assert ensemble.recipe.threshold == 0.3
    assert load_ensemble([write("b", threshold=0.4)]).recipe.threshold == 0.4


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0, float("nan"), float("inf")])
def test_a_threshold_is_a_probability(write, threshold):
    with pytest.raises(UpwindError, match="not between 0 and 1"):
        load_ensemble([write("a")], threshold)


def test_no_network_counts_twice(write, tmp_path):
    path = write("a")
    (tmp_path / "link.safetensors").symlink_to(path)
    with pytest.raises(UpwindError, match="given twice"):
        load_ensemble([path, tmp_path / "link.safetensors"])
    with pytest.raises(UpwindError, match="no weights"):
        load_ensemble([])
