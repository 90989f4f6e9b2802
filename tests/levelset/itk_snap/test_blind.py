"""The blind baseline: what it may see, what it learns, and that it finds a liver it never saw."""

import dataclasses
import inspect
import json

import numpy as np
import pytest

from upwind.common.errors import UpwindError
from upwind.data.volumes import Grid, Volume
from upwind.levelset.itk_snap import blind
from upwind.levelset.itk_snap.blind import Tuned, learn, segment_blind, tune
from upwind.levelset.itk_snap.evolution import dice
from upwind.levelset.itk_snap.journal import Journal
from upwind.settings.levelset import BlindSettings, blind_options, operator_options

SPACING = (4.0, 4.0, 8.0)
SETTINGS = BlindSettings(trials=3, spacing_mm=8.0, max_iterations=200)


def patient(number, shape=(80, 60, 24)):
    """A liver-like ellipsoid (110 HU) in a trunk of fat in air, its place and size its own."""
    generator = np.random.default_rng(number)
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    points = [(axis + 0.5) * s for axis, s in zip(axes, SPACING, strict=True)]
    size = np.array(shape) * SPACING
    radii = np.array([60.0, 50.0, 55.0]) * generator.uniform(0.9, 1.1, 3)
    centre = size * (0.6, 0.5, 0.5) + generator.uniform(-8, 8, 3)
    label = sum(((p - c) / r) ** 2 for p, c, r in zip(points, centre, radii, strict=True)) < 1
    body = ((points[0] / size[0] - 0.5) / 0.45) ** 2 + ((points[1] / size[1] - 0.5) / 0.45) ** 2 < 1
    image = np.where(label, 110, np.where(body, -60, -1000)) + generator.normal(0, 12, shape)
    grid = Grid(shape, np.diag([*SPACING, 1.0]))
    return Volume(image.round().astype(np.int16), grid, 1.0, 0.0), label


@pytest.fixture(scope="module")
def patients():
    return [patient(number) for number in range(5)]


@pytest.fixture(scope="module")
def learned(patients):
    """From four patients, tuned."""
    place, examples = learn({i: (lambda p=p: p) for i, p in enumerate(patients[:4])}, SETTINGS)
    tuned, finished = tune(examples, place, SETTINGS, [0, 1])
    return place, examples, tuned, finished


def test_an_unseen_patient_is_segmented(patients, learned):
    volume, label = patients[4]
    mask = segment_blind(volume, learned[2], SETTINGS)
    assert mask.dtype == bool
    assert mask.shape == label.shape
    assert dice(mask, label) > 0.85


def test_segmenting_takes_no_label():
    assert set(inspect.signature(segment_blind).parameters) == {
        "volume", "tuned", "settings", "engine",
    }  # fmt: skip
    assert set(inspect.signature(blind.set_scene).parameters) == {"volume", "place", "settings"}


def test_an_examples_bubble_does_not_depend_on_its_own_label(patients):
    moved = np.roll(patients[0][1], 10, axis=0)
    changed = [(patients[0][0], moved), *patients[1:4]]
    _, before = learn({i: (lambda p=p: p) for i, p in enumerate(patients[:4])}, SETTINGS)
    _, after = learn({i: (lambda p=p: p) for i, p in enumerate(changed)}, SETTINGS)
    np.testing.assert_array_equal(before[0].scene.bubble, after[0].scene.bubble)
    assert before[0].scene.region == after[0].scene.region
    assert (before[0].target != after[0].target).any()
    assert before[1].scene.region != after[1].scene.region  # but that of the others does


def test_a_patient_alone_learns_from_itself(patients):
    place, (example,) = learn({0: lambda: patients[0]}, SETTINGS)
    assert place.spread_mm == pytest.approx((0, 0, 0), abs=1e-9)
    assert example.target[example.scene.bubble > 0].all()


def test_a_liver_too_thin_for_the_working_grid_is_named_by_its_case(patients):
    volume, label = patients[1]
    thin = np.zeros_like(label)
    thin[10, 10, 10] = thin[50, 50, 20] = True
    fine = dataclasses.replace(volume.grid, affine=np.diag([0.5, 0.5, 0.5, 1]))
    small = dataclasses.replace(volume, grid=fine)
    readers = {3: lambda: patients[0], 28: lambda: (small, thin)}
    with pytest.raises(UpwindError, match=r"^case 28: the label is too thin to be seen"):
        learn(readers, SETTINGS)


def test_bubbles_lie_in_the_liver(learned):
    for example in learned[1]:
        assert example.target[example.scene.bubble > 0].mean() > 0.9
        assert example.outside == 0


def test_liver_outside_the_region_is_counted(patients):
    _, examples = learn({i: (lambda p=p: p) for i, p in enumerate(patients[:4])}, SETTINGS)
    volume, label = patients[0]
    larger = label.copy()
    larger[:, :, :2] = True
    others = {i: (lambda p=p: p) for i, p in enumerate(patients[1:4], start=1)}
    _, changed = learn({0: lambda: (volume, larger), **others}, SETTINGS)
    assert changed[0].scene.region == examples[0].scene.region
    inside = larger[changed[0].scene.region.box].sum()
    voxel = np.prod(SPACING) / SETTINGS.spacing_mm**3
    assert changed[0].outside == pytest.approx((larger.sum() - inside) * voxel)
    assert changed[0].outside > 0


def test_the_best_trial_is_what_was_tuned(learned):
    _, _, tuned, finished = learned
    best = max(finished, key=lambda one: one.dsc)
    assert (tuned.trial, tuned.dsc) == (best.trial, best.dsc)
    assert tuned.stopping.iterations == best.outcome["iterations"]
    assert tuned.dsc > 0.85
    assert finished[0].outcome["edge_scale"] is finished[0].outcome["edge_equation"] is None
    assert finished[1].outcome["lower_sd"] is None
    assert finished[1].outcome["edge_equation"] == "geodesic"


def test_what_was_tuned_goes_through_a_file(learned, patients):
    tuned = learned[2]
    back = Tuned.from_json({"fold": 0} | json.loads(json.dumps(tuned.as_json())))
    assert (back.trial, back.stopping, back.dsc) == (tuned.trial, tuned.stopping, tuned.dsc)
    volume, _ = patients[4]
    np.testing.assert_array_equal(
        segment_blind(volume, back, SETTINGS), segment_blind(volume, tuned, SETTINGS)
    )


def test_tuning_can_be_repeated_and_resumed(learned, tmp_path):
    place, examples, tuned, _ = learned
    two = BlindSettings(trials=2, spacing_mm=8.0, max_iterations=200)
    tune(examples, place, two, [0, 1], journal=Journal(tmp_path, {}))
    again, finished = tune(examples, place, SETTINGS, [0, 1], journal=Journal(tmp_path, {}))
    assert again == tuned
    assert len(finished) == 3


def test_each_takes_its_own_settings_and_the_searchs():
    levelset = {
        "cases": "all", "trials": 9, "spacing_mm": 3.0, "sampler": "random", "chunk": 7,
        "curvature": [0.2, 0.3], "blind": {"patients": 3, "trials": 2, "spacing_mm": 6.0},
    }  # fmt: skip
    options = blind_options(levelset)
    assert options == {
        "sampler": "random", "chunk": 7, "curvature": [0.2, 0.3], "patients": 3, "trials": 2,
        "spacing_mm": 6.0,
    }  # fmt: skip
    assert BlindSettings(**options).trials == 2
    assert operator_options(levelset) == {
        "trials": 9, "spacing_mm": 3.0, "sampler": "random", "chunk": 7, "curvature": [0.2, 0.3],
    }  # fmt: skip
