"""What becomes of the LSN's stencils."""

import numpy as np
import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.kernels.learned_stencils import stencil_table
from upwind.kernels.moments import MOMENTS
from upwind.kernels.stencils import WEIGHTS
from upwind.levelset.equation.scheme import finite_differences
from upwind.networks.lsn import LSN
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, save_weights

DISC = (0.5, 0.4, 0.2)


@pytest.fixture
def saved(tmp_path):
    """Writes an LSN whose first stencil is another by a given change."""

    def save(name, change):
        network = LSN(DISC, steps=2, upwind_stencils="free")
        with torch.no_grad():
            network.free_stencils[0][0] += torch.tensor(change)
        recipe = Recipe("lsn", 32, (-100.0, 400.0), options={"disc": DISC, "steps": 2})
        recipe.options["upwind_stencils"] = "free"
        save_weights(tmp_path / name, network, recipe)
        return tmp_path / name

    return save


def test_distances_angles_and_moments(saved):
    change = np.zeros((3, 3), np.float32)
    change[0, 0] = 0.3
    table = stencil_table({"0": saved("a", change), "1": saved("b", 0 * change)})
    assert table["fold"].tolist() == ["start"] * 9 + ["0"] * 9 + ["1"] * 9
    changed = table[table["fold"] == "0"].set_index("stencil")
    assert changed.loc["D-x", "distance"] == pytest.approx(0.3)
    # (-1, 1) and (-1, 1, 0.3): the cosine of the angle is 2 / (sqrt(2) sqrt(2.09)).
    expected = np.degrees(np.arccos(2 / np.sqrt(2 * 2.09)))
    assert changed.loc["D-x", "angle_degrees"] == pytest.approx(expected)
    assert changed.loc["D-x", "m00"] == pytest.approx(0.3)
    assert changed["distance"].drop("D-x").max() == 0
    assert table[table["fold"] == "1"]["distance"].max() == 0
    start = table[table["fold"] == "start"]
    np.testing.assert_array_equal(start[WEIGHTS], finite_differences().reshape(9, 9))
    names = dict(zip(start["stencil"], start[MOMENTS].to_numpy(), strict=True))
    second = np.zeros(9)
    second[MOMENTS.index("m02")] = 1
    np.testing.assert_allclose(names["Dxx"], second, atol=1e-15)


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "unet.safetensors"
    save_weights(path, UNet(), Recipe("unet", 32, (-100.0, 400.0)))
    with pytest.raises(UpwindError, match=r"unet\.safetensors is a unet; stencils are read from"):
        stencil_table({"0": path})
