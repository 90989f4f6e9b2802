"""The LSN's contour in motion ends where the LSN's segmentation is."""

import numpy as np
import pytest
import torch

from upwind.data.volumes import Grid, Volume
from upwind.networks.lsn import LSN
from upwind.networks.weights import Recipe, load_weights, save_weights
from upwind.segmentation.movie import network_moments
from upwind.segmentation.predict import segment_volume


@pytest.mark.parametrize("readout", ["distance", "level_set"])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_the_last_frame_is_the_segmentation(tmp_path, threshold, readout):
    torch.manual_seed(0)
    options = {"disc": (0.5, 0.4, 0.2), "steps": 12, "readout": readout}
    recipe = Recipe("lsn", 32, (-100.0, 400.0), threshold, options)
    save_weights(tmp_path / "lsn.safetensors", LSN(**options), recipe)
    hu = np.random.default_rng(0).integers(-100, 400, (48, 40, 3)).astype(np.int16)
    volume = Volume(hu, Grid(hu.shape, np.diag([2.0, 2, 5, 1])), 1.0, 0.0)
    *_, last = network_moments(volume, tmp_path / "lsn.safetensors", 4)
    expected = segment_volume(*load_weights(tmp_path / "lsn.safetensors")[:1], volume, recipe)
    assert 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(last.mask, expected > 0)
