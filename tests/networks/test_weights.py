"""Weights files: the round trip, and files that are something else."""

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from upwind.common.errors import UpwindError
from upwind.data.slices import Slices, write_slices
from upwind.data.volumes import Grid
from upwind.networks.unet import UNet
from upwind.networks.weights import (
    Recipe,
    build,
    load_weights,
    save_weights,
)

RECIPES = {
    "unet": Recipe("unet", 32, (-100.0, 400.0)),
    "lsn": Recipe(
        "lsn",
        32,
        (-150.0, 250.0),
        threshold=0.4,
        options={
            "disc": (0.3, 0.6, 0.1),
            "steps": 7,
            "dt": 0.3,
            "terms": ["balloon", "curvature"],
            "channels": 3,
            "dilations": [1, 2],
        },
    ),
}


@pytest.fixture(params=RECIPES)
def saved(request, tmp_path):
    """Path, network and recipe of a file with disturbed weights."""
    torch.manual_seed(5)
    recipe = RECIPES[request.param]
    network = build(recipe)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    path = tmp_path / "weights.safetensors"
    save_weights(path, network, recipe)
    return path, network, recipe


def header_of(path):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length])


def test_round_trip_rebuilds_the_network_bit_by_bit(saved):
    path, network, recipe = saved
    again, read = load_weights(path)
    assert not again.training
    assert type(again) is type(network)
    ours, theirs = network.state_dict(), again.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    slices = 2 * torch.rand((2, 1, 32, 32)) - 1
    with torch.no_grad():
        assert torch.equal(network.eval()(slices), again(slices))
    assert (read.network, read.image_size, read.window, read.threshold) == (
        recipe.network,
        32,
        recipe.window,
        recipe.threshold,
    )


def test_the_same_weights_give_the_same_file_and_channels_last_does_not_matter(saved, tmp_path):
    path, network, recipe = saved
    other = tmp_path / "other.safetensors"
    save_weights(other, network.to(memory_format=torch.channels_last), recipe)
    assert other.read_bytes() == path.read_bytes()
    _, read = load_weights(path)
    again = tmp_path / "again.safetensors"
    save_weights(again, load_weights(path)[0], read)
    assert again.read_bytes() == path.read_bytes()


def test_the_header_is_readable_without_upwind(saved):
    path, network, recipe = saved
    header = header_of(path)
    stated = json.loads(header["__metadata__"]["upwind"])
    assert stated["network"] == recipe.network
    assert stated["image_size"] == 32
    assert stated["window"] == list(recipe.window)
    assert set(header) - {"__metadata__"} == set(network.state_dict())


def test_lsn_options_are_kept(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, build(RECIPES["lsn"]), RECIPES["lsn"])
    network, _ = load_weights(path)
    assert (network.steps, network.dt, network.terms) == (7, 0.3, ("balloon", "curvature"))
    assert network.disc == (0.3, 0.6, 0.1)


def test_weights_of_another_program_are_refused(tmp_path):
    path = tmp_path / "foreign.safetensors"
    for metadata in (None, {"format": "pt"}):
        save_file({"weight": torch.ones(3)}, path, metadata=metadata)
        with pytest.raises(UpwindError, match=r"foreign.*not of an upwind network"):
            load_weights(path)


def test_another_file_of_ours_is_refused(tmp_path):
    path = tmp_path / "case-0.safetensors"
    small = np.zeros((2, 16, 16))
    grid = Grid((16, 16, 2), np.eye(4))
    write_slices(
        path, Slices(0, grid, small.astype(np.int16), small.astype(np.uint8), np.ones(2, np.uint8))
    )
    with pytest.raises(UpwindError, match=r"case-0.*not of an upwind network"):
        load_weights(path)


@pytest.mark.parametrize(
    "header",
    ["no json", "[1, 2]", '{"version": "1"}', '{"network": "unet", "version": "1", "more": 1}'],
)
def test_a_header_that_is_no_recipe_is_refused(header, tmp_path):
    path = tmp_path / "odd.safetensors"
    save_file({"weight": torch.ones(3)}, path, metadata={"upwind": header})
    with pytest.raises(UpwindError, match="odd"):
        load_weights(path)


def with_header(path, **changes):
    """The file again, with other entries in its recipe."""
    network, _ = load_weights(path)
    stated = json.loads(header_of(path)["__metadata__"]["upwind"]) | changes
    save_file(network.state_dict(), path, metadata={"upwind": json.dumps(stated)})
    return path


def test_a_recipe_that_cannot_be_built_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, UNet(), RECIPES["unet"])
    for changes in ({"network": "vnet"}, {"options": {"depth": 3}}, {"options": {"up": None}}):
        save_weights(path, UNet(), RECIPES["unet"])
        with pytest.raises(UpwindError, match=r"w\.safetensors.*not of an upwind network"):
            load_weights(with_header(path, **changes))


def test_tensors_of_another_network_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, UNet(), RECIPES["lsn"])
    with pytest.raises(UpwindError, match=r"w\.safetensors.*do not fit its lsn"):
        load_weights(path)


def test_a_truncated_file_is_refused(saved):
    path, _, _ = saved
    content = path.read_bytes()
    for length in (0, 4, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(UpwindError, match="not a readable safetensors file"):
            load_weights(path)


class Trap:
    """Unpickling this would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_is_refused_and_nothing_in_it_is_run(tmp_path):
    path, mark = tmp_path / "weights.pt", tmp_path / "mark"
    path.write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(UpwindError, match="not a readable safetensors file"):
        load_weights(path)
    torch.save({"weight": torch.ones(3)}, path)
    with pytest.raises(UpwindError, match="not a readable safetensors file"):
        load_weights(path)
    assert not mark.exists()


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UpwindError, match=r"nowhere\.safetensors"):
        load_weights(tmp_path / "nowhere.safetensors")


def test_a_failed_write_leaves_the_older_file(saved, monkeypatch):
    path, network, recipe = saved
    before = path.read_bytes()

    def fail(*_, **__):
        raise OSError("disc full")

    monkeypatch.setattr("upwind.networks.weights.save_file", fail)
    with pytest.raises(OSError, match="disc full"):
        save_weights(path, network, recipe)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_build_names_the_networks_that_exist():
    with pytest.raises(UpwindError, match=r"vnet.*lsn.*unet"):
        build(Recipe("vnet", 32, (0.0, 1.0)))
