"""What a run depends on: all of it changes the parts, and differences are said in words."""

import json
from dataclasses import replace

import numpy as np
import pytest

from upwind.networks.weights import Recipe
from upwind.training import cache_key
from upwind.training.cache_key import differences, digest_of_arrays, run_parts
from upwind.training.examples import Examples
from upwind.training.settings import TrainingSettings

RECIPE = Recipe("unet", 16, (-100.0, 400.0))
SETTINGS = TrainingSettings(epochs=3)


def examples(value=0):
    images = np.full((2, 4, 4), value, np.int16)
    return Examples(images, np.zeros((2, 4, 4), np.uint8))


@pytest.fixture(autouse=True)
def _code(monkeypatch):
    monkeypatch.setattr(cache_key, "code_fingerprint", lambda modules: digest_of_arrays([]))
    monkeypatch.setattr(cache_key, "package_versions", lambda modules: {"torch": "2.13.0"})


def parts(recipe=RECIPE, settings=SETTINGS, seed=0, training=None, heldout=None, device="a chip"):
    training, heldout = training or examples(), heldout or examples(1)
    return run_parts(recipe, settings, seed, training, heldout, device)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": SETTINGS.changed(learning_rate=0.5)}, "settings.learning_rate was 1.0 and"),
        ({"settings": SETTINGS.changed(epochs=4)}, "settings.epochs was 3 and is now 4"),
        ({"settings": SETTINGS.changed(precision="bfloat16")}, "settings.precision was float32"),
        (
            {"settings": SETTINGS.changed(compile=True)},
            "settings.compile was False and is now Tru",
        ),
        ({"settings": SETTINGS.changed(cpu_threads=2)}, "settings.cpu_threads was 1 and is now 2"),
        ({"recipe": replace(RECIPE, options={"steps": 4})}, "recipe.options.steps was none and is"),
        ({"recipe": replace(RECIPE, image_size=32)}, "recipe.image_size was 16 and is now 32"),
        ({"seed": 1}, "seed was 0 and is now 1"),
        ({"training": examples(7)}, "data.training differs"),
        ({"heldout": examples(7)}, "data.heldout differs"),
    ],
)
def test_each_difference_is_named(changes, said):
    found = differences(parts(), parts(**changes))
    assert len(found) == 1
    assert found[0].startswith(said)


def test_other_code_and_other_packages_are_other_runs(monkeypatch):
    before = parts()
    monkeypatch.setattr(cache_key, "code_fingerprint", lambda _: digest_of_arrays([np.ones(1)]))
    monkeypatch.setattr(cache_key, "package_versions", lambda modules: {"torch": "2.14.0"})
    assert differences(before, parts()) == [
        "code differs",
        "packages.torch was 2.13.0 and is now 2.14.0",
    ]


def test_the_code_of_the_other_network_does_not_count(monkeypatch):
    asked = []
    monkeypatch.setattr(cache_key, "code_fingerprint", lambda modules: asked.append(set(modules)))
    parts(Recipe("lsn", 16, (-100.0, 400.0)))
    parts()
    assert "upwind.networks.lsn" in asked[0] - asked[1]
    assert "upwind.networks.unet" in asked[1] - asked[0]


def test_the_device_counts_only_where_the_bits_are_to_be_the_same():
    assert parts(device="one") == parts(device="other")
    assert parts(settings=SETTINGS.changed(device="cuda")) == parts()
    strict = SETTINGS.changed(deterministic=True)
    found = differences(
        parts(settings=strict, device="one"), parts(settings=strict, device="other")
    )
    assert found == ["device was one and is now other"]


def test_parts_are_as_a_file_returns_them():
    recipe = replace(RECIPE, options={"disc": (0.1, 0.2, 1 / 3)})
    found = parts(recipe)
    assert json.loads(json.dumps(found)) == found
    assert differences(found, found) == []


def test_a_digest_sees_content_shape_and_type_of_any_layout():
    array = np.arange(12, dtype=np.int16).reshape(3, 4)
    same = [array.copy(order="F"), array[::-1][::-1]]
    assert {digest_of_arrays([a]) for a in same} == {digest_of_arrays([array])}
    changed = array.copy()
    changed[2, 3] += 1
    others = [changed, array.T, array.reshape(4, 3), array.astype(np.uint16), array[:0]]
    digests = {digest_of_arrays([a]) for a in [array, *others]}
    assert len(digests) == 6
    assert digest_of_arrays([array, array]) not in digests
    digest_of_arrays([np.float64(3.0).reshape(())])  # no dimension at all
