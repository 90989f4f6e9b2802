"""Networks from anywhere: what they answer, and what is refused before anything is trained."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

from upwind.common.errors import UpwindError
from upwind.networks import trial
from upwind.networks.foreign import Foreign, try_out
from upwind.networks.trial import check_networks
from upwind.networks.weights import Recipe, build, load_weights, save_weights
from upwind.provenance.fingerprint import package_versions

SLICES = torch.linspace(-1, 1, 2 * 8 * 8).reshape(2, 1, 8, 8)


class Answer(nn.Module):
    """Answers what it was built with, whatever it is shown."""

    def __init__(self, channels=1, value=0.0, kind="tensor", shape=()):
        super().__init__()
        self.kept = nn.Parameter(torch.tensor(float(value)))
        self.channels, self.kind, self.shape = channels, kind, shape

    def forward(self, slices):
        shape = self.shape or (len(slices), self.channels, *slices.shape[2:])
        answer = self.kept.expand(*shape).clone()
        if self.channels == 2:
            answer[:, 0] = 0
        kinds = {"one": [answer], "several": [answer, answer], "words": {"out": answer}}
        return kinds.get(self.kind, answer)


class Fussy(nn.Module):
    """Takes slices of a multiple of 48 pixels alone."""

    def forward(self, slices):
        if slices.shape[-1] % 48:
            raise ValueError("48!\nsecond line")
        return slices


def volume_network():
    return nn.Sequential(nn.Conv3d(1, 1, 3, padding=1))


def no_network():
    return 3


HERE = __name__
# pytest imports this file under a name of its own, by which nothing else can import it.
sys.modules.setdefault(HERE, sys.modules[__name__])


def foreign(name="Answer", output="logits", **options):
    return Foreign(f"{HERE}:{name}", options, output)


@pytest.mark.parametrize(
    ("channels", "output", "value", "probability"),
    [
        (1, "logits", 0.0, 0.5),
        (1, "logits", 2.0, 1 / (1 + np.exp(-2))),
        (2, "logits", 2.0, np.exp(2) / (1 + np.exp(2))),
        (1, "probabilities", 0.25, 0.25),
        (2, "probabilities", 0.25, 0.25),
    ],
)
@pytest.mark.parametrize("kind", ["tensor", "one"])
def test_answers_become_probabilities_of_liver(channels, output, value, probability, kind):
    network = foreign(output=output, channels=channels, value=value, kind=kind)
    answer = network(SLICES)
    assert answer.shape == SLICES.shape
    torch.testing.assert_close(answer, torch.full_like(SLICES, probability))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"channels": 3}, r"\(2, 3, 8, 8\); it has to be one channel, or two"),
        ({"shape": (2, 1, 4, 4)}, r"with \(2, 1, 4, 4\); it has to be"),
        (
            {"kind": "several"},
            "gives 2 answers in place of one tensor: switch deep supervision off",
        ),
        ({"kind": "words"}, "in place of one tensor"),
    ],
)
def test_answers_of_another_form_are_refused(options, said):
    with pytest.raises(UpwindError, match=said):
        foreign(**options)(SLICES)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("Missing", {}, f"network {HERE}:Missing: there is no Missing in"),
        ("Answer", {"chanels": 1}, r"cannot be built with {'chanels': 1} \(TypeError: .*'chanels'"),
        ("no_network", {}, r"makes a int, not a torch\.nn\.Module"),
        ("volume_network", {}, "is a 3-D network. Only 2-D ones can be trained here"),
    ],
)
def test_what_cannot_be_built_is_refused(name, options, said):
    with pytest.raises(UpwindError, match=said):
        foreign(name, **options)


def test_a_size_that_a_network_does_not_take_is_said():
    try_out({"network": f"{HERE}:Fussy"}, 96)
    with pytest.raises(UpwindError, match=r"does not take slices of 1 x 64 x 64 \(ValueError: 48!"):
        try_out({"network": f"{HERE}:Fussy"}, 64)


def test_trying_out_draws_no_random_number():
    before = torch.get_rng_state()
    try_out({"network": "torch.nn:Conv2d", "options": OPTIONS["options"]}, 16)
    assert torch.equal(torch.get_rng_state(), before)


OPTIONS = {
    "network": "torch.nn:Conv2d",
    "options": {"in_channels": 1, "out_channels": 1, "kernel_size": 3, "padding": 1},
    "output": "logits",
}


def test_the_same_seed_gives_the_same_weights():
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(build(Recipe("foreign", 16, (-100, 400), options=OPTIONS)).state_dict())
    assert states[0].keys() == states[1].keys() == {"network.weight", "network.bias"}
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.fixture
def weights(tmp_path):
    """The file of a network's weights, and the network."""
    completed = Foreign.options_from(OPTIONS, np.empty(0))
    recipe = Recipe("foreign", 16, (-100, 400), options=completed)
    network = build(recipe)
    save_weights(tmp_path / "w.safetensors", network, recipe)
    return tmp_path / "w.safetensors", network, recipe


def test_weights_are_kept_with_the_version_of_what_defines_the_network(weights):
    path, network, recipe = weights
    again, stated = load_weights(path, allowed="torch.nn:Conv2d")
    assert stated == recipe
    assert (
        stated.options["packages"] == package_versions(["torch.nn"]) == {"torch": torch.__version__}
    )
    torch.testing.assert_close(again(SLICES), network(SLICES), rtol=0, atol=0)


@pytest.mark.parametrize("allowed", [None, "torch.nn:Linear"])
def test_what_a_header_names_is_not_imported_unless_it_is_asked_for(tmp_path, monkeypatch, allowed):
    """The header is somebody else's; the module would run on import."""
    (tmp_path / "hostile_module.py").write_text(
        "from pathlib import Path\nPath('ran').touch()\nclass Net: pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    options = OPTIONS | {"network": "hostile_module:Net"}
    recipe = Recipe("foreign", 16, (-100, 400), options=options)
    save_weights(tmp_path / "w.safetensors", nn.Conv2d(1, 1, 3), recipe)
    with pytest.raises(UpwindError, match="If you trust that code, name it: --network hostile_mod"):
        load_weights(tmp_path / "w.safetensors", allowed)
    assert not (tmp_path / "ran").exists()
    assert "hostile_module" not in sys.modules


@pytest.mark.parametrize("options", [{}, {"network": ["torch.nn:Conv2d"]}])
def test_a_header_that_names_no_network_is_refused(tmp_path, options):
    recipe = Recipe("foreign", 16, (-100, 400), options=options)
    save_weights(tmp_path / "w.safetensors", nn.Conv2d(1, 1, 3), recipe)
    with pytest.raises(UpwindError, match=r"w\.safetensors holds"):
        load_weights(tmp_path / "w.safetensors", None)


def test_all_networks_that_cannot_be_trained_are_named_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trial._known.cache_clear()
    threed = {**OPTIONS, "network": "torch.nn:Conv3d"}
    absent = {**OPTIONS, "network": "no_such_package.nets:Net"}
    with pytest.raises(UpwindError) as refused:
        check_networks({"fits": OPTIONS, "deep": threed, "absent": absent}, 16)
    said = str(refused.value)
    assert "methods.deep: torch.nn:Conv3d is a 3-D network" in said
    assert "methods.absent: there is no package no_such_package here: install it" in said
    assert "methods.fits" not in said


def test_what_fitted_is_not_built_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trial._known.cache_clear()
    check_networks({"fits": OPTIONS}, 16)
    monkeypatch.setattr("upwind.networks.foreign.try_out", None)  # is not called
    check_networks({"fits": OPTIONS}, 16)


def test_monais_basic_unet_answers_and_in_3_d_is_refused():
    pytest.importorskip("monai", reason="MONAI is an extra: pip install upwind[monai]")
    options = {"in_channels": 1, "out_channels": 1, "features": [4, 4, 4, 4, 4, 4]}
    name = "monai.networks.nets:BasicUNet"
    network = Foreign(name, options | {"spatial_dims": 2}).eval()
    answer = network(torch.zeros(1, 1, 32, 32))
    assert answer.shape == (1, 1, 32, 32)
    assert ((answer > 0) & (answer < 1)).all()
    with pytest.raises(UpwindError, match="BasicUNet is a 3-D network"):
        Foreign(name, options | {"spatial_dims": 3})
