"""Configurations with any value in any place: completed with numbers that are finite and within
limits, or refused in one message."""

import copy
import math
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fuzzing import tries
from upwind.common.errors import UpwindError
from upwind.settings.check import check_config

DEMO = check_config(
    yaml.safe_load((Path(__file__).resolve().parents[2] / "config/config.yaml").read_text())
)
NUMBERS = st.sampled_from([math.nan, math.inf, -math.inf, -1, 0, 10**30, -(10**400), 1e308, 5e-324])
TEXTS = st.sampled_from(["", "x\n", "\x00", "../..", "{case}", "a b", "~", "x" * 10_000, "nan"])
VALUES = st.one_of(NUMBERS, TEXTS, st.none(), st.booleans(), st.just([]), st.just({}), st.just([1]))


def places(settings, path=()):
    """The way to every value."""
    for key, value in settings.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


def with_value(path, value):
    settings = copy.deepcopy(DEMO)
    here = settings
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return settings


def numbers(value):
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers(part)
    elif isinstance(value, float):
        yield value


@tries(200)
@given(path=st.sampled_from(list(places(DEMO))), value=VALUES)
@example(path=("training", "failed_below"), value=math.nan)
@example(path=("experiment",), value="x\n")
def test_any_value_in_any_place(path, value):
    try:
        completed = check_config(with_value(path, value))
    except UpwindError:
        return
    assert all(map(math.isfinite, numbers(completed)))
    assert str(completed["experiment"]).isprintable()


SIZES = ["image_size", "folds", "lsn.steps", "lsn.channels", "lsn.kept_steps", "lsn.edge_contrast"]
SIZES += ["training.cpu_threads", "levelset.margin_mm", "dataset.patients"]


@pytest.mark.parametrize("key", SIZES)
@pytest.mark.parametrize("value", [10**9, 10**30])
def test_sizes_have_bounds(key, value):
    with pytest.raises(UpwindError, match=key):
        check_config(with_value(tuple(key.split(".")), value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("levelset.spacing_mm", 1e-9),
        ("levelset.blind.spacing_mm", 1e-9),
        ("levelset.region_sigma", [0, 1e9]),
        ("levelset.edge_sigma", [1, 1e9]),
        ("lsn.dilations", [1, 10**6]),
        ("lsn.dilations", [1] * 65),
        ("intensity.window", [-1e9, 1e9]),
    ],
)
def test_what_would_fill_the_memory_is_refused(key, value):
    with pytest.raises(UpwindError, match=key):
        check_config(with_value(tuple(key.split(".")), value))


@pytest.mark.parametrize("root", [".", "..", "/", "./", "a{b}", "a*", "a\n", "\x1b[2J", ""])
def test_folders_that_the_workflow_could_not_take(root):
    with pytest.raises(UpwindError, match=r"dataset\.root"):
        check_config(with_value(("dataset", "root"), root))


@pytest.mark.parametrize("root", ["data/mine/", "./data/mine", "data//mine/."])
def test_folders_as_people_write_them(root):
    completed = check_config(with_value(("dataset", "root"), root))
    assert completed["dataset"]["root"] == "data/mine"
