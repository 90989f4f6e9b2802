"""Recipes in the headers of weights files with any value in any place: a network that answers with
numbers, or one message, before anything is built."""

import copy
import json
import os

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from forged import places
from fuzzing import tries
from upwind.common.errors import UpwindError
from upwind.networks.weights import Recipe, build, load_weights, save_weights

SMALL = {"steps": 3, "dt": 0.3, "channels": 2, "dilations": [1, 2], "edge_contrast": 20}
CONVOLUTION = {"in_channels": 1, "out_channels": 1, "kernel_size": 3, "padding": 1}
RECIPES = {
    "unet": {"level_filters": [2, 2, 2, 2], "bottom_filters": 2, "kernels": "free"},
    "lsn": {"disc": [0.3, 0.6, 0.1], "softness": 0.05, "kept_steps": 8, **SMALL},
    "speed": {"disc": [0.3, 0.6, 0.1], "channels": 2, "dilations": [1, 2], "sees_start": True},
    "foreign": {"network": "torch.nn:Conv2d", "options": CONVOLUTION, "output": "logits"},
}
NUMBERS = ["NaN", "Infinity", "-1", "0", "1e999", "1e308", "5e-324", "0.5", "100", "1" * 30]
NUMBERS += ["1" * 5000, "2147483648", "1000000", "-0.0"]
OTHERS = ["null", "true", '""', '"x"', '"\\u001b[2J"', "[]", "{}", "[1]", "[[1]]", "[1,2,3,4]"]
VALUES = st.sampled_from([*NUMBERS, *OTHERS, "[" * 60_000 + "]" * 60_000, '"' + "x" * 70_000 + '"'])


class Files:
    """A weights file of each kind of network, its tensors and its recipe, and one to write to."""

    def __init__(self, folder):
        self.path, self.tensors, self.stated = folder / "changed.safetensors", {}, {}
        for name, options in RECIPES.items():
            torch.manual_seed(1)
            recipe = Recipe(name, 16, (-100, 400), options=options)
            save_weights(self.path, build(recipe), recipe)
            self.tensors[name] = load_file(self.path)
            self.stated[name] = {"version": "1", "threshold": 0.5, "window": [-100, 400]}
            self.stated[name] |= {"network": name, "image_size": 16, "options": options}

    def load(self, name, text, tensors=None):
        """What comes of a file with another header, or other tensors."""
        metadata = {"upwind": text}
        save_file(self.tensors[name] if tensors is None else tensors, self.path, metadata=metadata)
        return load_weights(self.path, "torch.nn:Conv2d")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Files(tmp_path_factory.mktemp("recipes"))


def with_value(stated, way, text):
    """The recipe as JSON, with another value, or one more, in a place."""
    changed = copy.deepcopy(stated)
    here = changed
    for key in way[:-1]:
        here = here[key]
    here[way[-1]] = "MARK"
    return json.dumps(changed).replace('"MARK"', text)


@tries(150)
@given(data=st.data(), name=st.sampled_from(list(RECIPES)), value=VALUES)
def test_any_value_in_any_place(files, data, name, value):
    stated = files.stated[name]
    way = data.draw(st.sampled_from([*places(stated), ("more",), ("options", "more")]))
    try:
        network, recipe = files.load(name, with_value(stated, way, value))
    except UpwindError:
        return
    assert recipe.image_size <= 4096
    assert recipe.window[0] < recipe.window[1]
    with torch.inference_mode():
        answer = network(torch.rand((1, 1, 16, 16)))
    assert answer.isfinite().all()
    assert answer.shape == (1, 1, 16, 16)


REFUSED = {
    ("window",): ["[400, -100]", "[NaN, 1]", "[1, 1]", "[-1e9, 1e9]", "[1]", "[1, 2, 3]"],
    ("threshold",): ["NaN", "-1", "0", "1", "true", '"0.5"'],
    ("image_size",): ["0", "-16", "17", "16.0", "1000000000", "true"],
}
OPTIONS = {
    "unet": {"level_filters": ["[]", "[2, -2, 2, 2]", "[2, 2, 2, 1000000]", "2", "[16, 16, 16]"]},
    "lsn": {"steps": ["1000000000", "0", "7.5"], "dilations": ["[1000000]", "[-1, 2]"]},
    "speed": {"disc": ["[NaN, 0.5, 0.1]", "[0.5, 0.5]", "[0.5, 0.5, -1]", "[9, 9, 9]"]},
    "foreign": {"options": ['{"in_channels": 99999, "out_channels": 99999, "kernel_size": 9}']},
}


@pytest.mark.parametrize("name", RECIPES)
def test_sizes_and_limits_are_checked_before_anything_is_built(files, name, peak):
    stated = files.stated[name]
    options = {("options", key): texts for key, texts in OPTIONS[name].items()}
    for way, texts in (REFUSED | options).items():
        for text in texts:
            with pytest.raises(UpwindError, match=r"changed\.safetensors"):
                files.load(name, with_value(stated, way, text))
    assert peak() < 100e6


@pytest.fixture
def peak():
    """How much more memory this process took at its peak since the test began, in bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return lambda: 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_refused_but_for_a_fold_that_diverged(files, value):
    tensors, stated = files.tensors["unet"], files.stated["unet"]
    name = "down.0.first.weight"
    spoilt = tensors | {name: torch.full_like(tensors[name], value)}
    with pytest.raises(UpwindError, match=rf"{name} holds numbers that are not finite"):
        files.load("unet", json.dumps(stated), spoilt)
    network, _ = load_weights(files.path, diverged=True)
    assert not network.down[0].first.weight.isfinite().any()


def test_tensors_of_other_types_and_names_are_refused(files):
    tensors, stated = files.tensors["unet"], files.stated["unet"]
    name, text = "head.bias", json.dumps(stated)
    without = {key: value for key, value in tensors.items() if key != name}
    whole = tensors | {name: torch.ones(1, dtype=torch.int64)}
    longer = tensors | {name: torch.ones(2)}
    for changed, said in (
        (without, "head.bias is missing"),
        (whole, r"head.bias is of torch\.int64"),
        (longer, "head.bias is 2, and would be 1"),
        (tensors | {"more": torch.ones(1)}, "it has no more"),
    ):
        with pytest.raises(UpwindError, match=said):
            files.load("unet", text, changed)
    half, _ = files.load("unet", text, {key: value.half() for key, value in tensors.items()})
    assert half.head.bias.dtype == torch.float32


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "w.safetensors")
    with pytest.raises(UpwindError, match="not a plain file"):
        load_weights(tmp_path / "w.safetensors")
