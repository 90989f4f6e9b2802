"""DSC of unseen patients on slices, against an independent computation."""

import numpy as np
import pytest
import torch
from torch import nn

from upwind.data.slices import Slices, write_slices
from upwind.data.volumes import Grid
from upwind.networks.weights import Recipe, build, save_weights
from upwind.studies.scores import pooled_dsc, scores_on_the_way, unseen_scores
from upwind.training.kept import kept_file


class Bright(nn.Module):
    """Liver is where the slice is bright."""

    def forward(self, slices):
        return (slices > 0).to(slices.dtype)


@pytest.fixture
def files(tmp_path):
    """Two cases of three slices; liver in the first two, and a bright spot outside in all."""
    paths = []
    for case in (3, 7):
        label = np.zeros((3, 16, 16), np.uint8)
        label[:2, 2:6, 2:6] = 1
        label[0, 2, 2] = 2
        image = np.where(label > 0, 300, -50).astype(np.int16)
        image[:, 12, 10 : 10 + case] = 300
        bearing = np.array([1, 1, 0], np.uint8)
        grid = Grid((16, 16, 3), np.eye(4))
        path = tmp_path / f"case-{case}.safetensors"
        write_slices(path, Slices(case, grid, image, label, bearing))
        paths.append(path)
    return paths


def test_dsc_of_all_slices_and_of_those_with_liver(files):
    recipe = Recipe("unet", 16, (-100.0, 400.0))
    table = unseen_scores(Bright(), recipe, files, [3, 7], torch.device("cpu"))
    assert table["case"].tolist() == [3, 7]
    for row in table.itertuples():
        spot = min(row.case, 6)  # of 16 columns from 10
        assert row.dsc == pytest.approx(2 * 32 / (32 + 3 * spot + 32))
        assert row.dsc_liver_slices == pytest.approx(2 * 32 / (32 + 2 * spot + 32))


def test_the_largest_component_leaves_the_spot_out(files):
    recipe, device = Recipe("unet", 16, (-100.0, 400.0)), torch.device("cpu")
    table = unseen_scores(Bright(), recipe, files, [3, 7], device, "largest_component")
    assert table["dsc"].tolist() == [1, 1]


def test_what_is_connected_with_the_disc_is_kept(files):
    """A disc of one pixel on the spot, which is at row 12 from column 10 on."""
    device = torch.device("cpu")
    disc = ((12 + 0.5) / 16, (10 + 0.5) / 16, 0.5 / 16)
    recipe = Recipe("lsn", 16, (-100.0, 400.0), options={"disc": disc})
    table = unseen_scores(Bright(), recipe, files, [3, 7], device, "connected_with_disc")
    assert table["dsc"].tolist() == [0, 0]
    disc = ((3 + 0.5) / 16, (4 + 0.5) / 16, 2 / 16)
    recipe = Recipe("lsn", 16, (-100.0, 400.0), options={"disc": disc})
    table = unseen_scores(Bright(), recipe, files, [3, 7], device, "connected_with_disc")
    assert table["dsc"].tolist() == [1, 1]


def test_only_the_cases_asked_for(files):
    recipe = Recipe("unet", 16, (-100.0, 400.0))
    table = unseen_scores(Bright(), recipe, files, [7], torch.device("cpu"))
    assert table["case"].tolist() == [7]


@pytest.mark.parametrize(("kernels", "learned"), [("free", 131_938), ("frozen", 466)])
def test_of_kept_weights_the_parameters_that_are_learned_are_counted(
    tmp_path, files, kernels, learned
):
    """Of the frozen UNet biases and the last layer."""
    kept = tmp_path / "kept"
    recipe = Recipe("unet", 16, (-100.0, 400.0), options={"kernels": kernels})
    for epoch in (1, 5):
        for reading in ("last", "averaged"):
            save_weights(kept_file(kept, epoch, reading), build(recipe), recipe)
    table = scores_on_the_way(kept, 0.5, files, [7], torch.device("cpu"))
    assert table["epoch"].tolist() == [1, 1, 5, 5]
    assert table["parameters"].eq(learned).all()


def test_pooled_dsc_of_nothing_is_undefined():
    empty = np.zeros((2, 3), bool)
    assert np.isnan(pooled_dsc(empty, empty))
    assert pooled_dsc(~empty, empty) == 0
