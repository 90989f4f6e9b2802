"""What is written from the models is in the repository as it would be written now, and agrees with
what the models accept."""

import copy
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from snakemake.utils import validate

from upwind.common.errors import UpwindError
from upwind.settings.check import check_config
from upwind.settings.documents import SCHEMA, TABLES, schema, schema_text, takes, texts, with_tables
from upwind.settings.levelset import BlindSettings
from upwind.settings.lsn import LSNSettings
from upwind.settings.model import Count, Settings
from upwind.settings.networks import NetworkSettings
from upwind.settings.root import experiment_model

ROOT = Path(__file__).resolve().parents[2]
MODEL = experiment_model()
DEMO = yaml.safe_load((ROOT / "config/config.yaml").read_text())
README = (ROOT / TABLES).read_text()
HINT = "run `python -m upwind.settings.documents`"


def leaves(described, prefix=""):
    """Schemas of settings by dotted names."""
    for key, part in described["properties"].items():
        if "properties" in part:
            yield from leaves(part, f"{prefix}{key}.")
        else:
            yield prefix + key, part


LEAVES = dict(leaves(schema(MODEL)))
# Of methods that a configuration names, by any name.
ENTRIES = {
    f"methods.NAME.{key}": part
    for kind in schema(MODEL)["properties"]["methods"]["additionalProperties"]["oneOf"]
    for key, part in kind["properties"].items()
}


def test_the_schema_in_the_repository_is_that_of_the_models():
    assert (ROOT / SCHEMA).read_text() == schema_text(MODEL), HINT


def test_the_tables_in_the_repository_are_those_of_the_models():
    assert with_tables(README, MODEL, DEMO) == README, HINT


def test_every_setting_has_a_row_and_every_row_a_setting():
    settings, _ = README.split("\n## SLURM\n")
    rows = [line.split("`")[1] for line in settings.splitlines() if line.startswith("| `")]
    assert len(rows) == len(set(rows))
    assert set(rows) == LEAVES.keys() | ENTRIES.keys()


def test_every_setting_has_meaning_and_source():
    for name, part in (LEAVES | ENTRIES).items():
        assert re.fullmatch(r"\S.*\. Source: \S.*\.", part["description"]), name


def test_every_setting_but_the_name_has_a_default():
    assert [name for name, part in LEAVES.items() if "default" not in part] == ["experiment"]


@pytest.mark.parametrize("file", sorted(path.name for path in ROOT.glob("config/*.yaml")))
def test_configurations_name_the_schema_for_editors(file):
    first = (ROOT / "config" / file).read_text().splitlines()[0]
    path = first.removeprefix("# yaml-language-server: $schema=")
    assert (ROOT / "config" / path).resolve() == ROOT / SCHEMA


def test_snakemakes_own_check_completes_the_demo_as_the_models_do():
    """The schema alone, without this package, tells every default."""
    config = copy.deepcopy(DEMO)
    validate(config, str(ROOT / SCHEMA))
    assert config == check_config(DEMO)


def probes(part):
    """Values at and beyond the limits that a schema states."""
    for form in part.get("anyOf", [part]):
        yield from ([], {}, None, True, "no such word", "", -1, 0.1)
        yield from form.get("enum", [form["const"]] if "const" in form else [])
        for limit in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
            if limit in form:
                yield from (form[limit] - 1, form[limit], form[limit] + 1)
        if form.get("type") == "array":
            inner = (form["prefixItems"] * 2 if "prefixItems" in form else [form["items"]])[0]
            for value in probes(inner):
                yield from ([value], [value, value], [0.5, value], [value] * 3)


def in_place(name, value):
    for key in reversed(name.split(".")):
        value = {key: value}
    return value


def holds(settings):
    try:
        check_config({"experiment": "x", "fold_shuffle_seed": None} | settings)
    except UpwindError as error:
        return str(error)
    return ""


# What a schema cannot say: limits in order, and settings that go with each other.
BEYOND_A_SCHEMA = (
    "no column or method",
    "no variant",
    "the second must be larger",
    "there is no fold",
    "does not fit",
    "is `seed` itself",
    "the `seed` of Table I",
)


@pytest.mark.parametrize("name", [name for name in LEAVES if name not in ("variants", "studies")])
def test_schema_and_models_accept_the_same(name):
    validator = jsonschema.Draft202012Validator(LEAVES[name])
    for value in probes(LEAVES[name]):
        said = holds(in_place(name, value))
        assert validator.is_valid(value) == (not said or any(b in said for b in BEYOND_A_SCHEMA)), (
            f"{name}: {value!r}: {said}"
        )


@pytest.mark.parametrize(
    "variant",
    [
        {"of": "lsn"},
        {"of": "lsn", "network": "speed", "channels": 4},
        {"of": "unet", "epochs": 3},
        {"of": "unet", "network": "speed"},
        {"of": "unet", "steps": 3},
        {"of": "lsn", "dt": 2},
        {"of": "lsn", "postprocess": "connected_with_disc"},
        {"of": "unet", "postprocess": "largest_component"},
        {"of": "unet", "postprocess": "smallest_component"},
        {"of": "vnet"},
        {},
    ],
)
@pytest.mark.parametrize("name", ["mine", "Mine"])
def test_schema_and_models_accept_the_same_variants(name, variant):
    config = {"experiment": "x", "variants": {"unet": {"of": "unet"}, name: variant}}
    assert jsonschema.Draft202012Validator(schema(MODEL)).is_valid(config) == (not holds(config))


@pytest.mark.parametrize("name", ["mine", "Mine", "replacements"])
@pytest.mark.parametrize("folds", ["all", [0, 1], [], [0, 0], "some"])
@pytest.mark.parametrize("patients", [["all"], [2, "all"], ["few"]])
def test_schema_and_models_accept_the_same_studies(name, folds, patients):
    study = {"variants": ["unet"], "folds": folds, "seeds": [0], "patients": patients}
    config = {"experiment": "x", "studies": {name: study}}
    assert jsonschema.Draft202012Validator(schema(MODEL)).is_valid(config) == (not holds(config))


# Words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("folds", "whole number, 2 to 1000, or text like `splits_final.json`"),
        ("image_size", "whole number, 16 to 4096, a multiple of 16"),
        ("fold_shuffle_seed", "whole number, 0 or more, or null"),
        ("heldout_share", "number, above 0, below 1"),
        ("lsn.dt", "number, above 0, at most 0.5"),
        ("training.rho", "number, below 1, 0 or more"),
        ("training.compile", "true or false"),
        ("training.device", "text like `auto`, `cpu`, `cuda` or `cuda:1`"),
        ("dataset.kind", "`phantom`, `lits` or `msd`"),
        ("kernels.clusters", "whole number, 2 to 8"),
        ("kernels.network", "`all`, or whole number, 0 or more"),
        ("levelset.curvature", "[low, high], each a number, above 0"),
        ("lsn.terms", "list, each `balloon`, `transport` or `curvature`, none twice"),
    ],
)
def test_what_a_setting_takes_in_words(name, words):
    assert takes(LEAVES[name]) == words


def test_tables_are_written_between_markers_and_nothing_else_changes():
    text = "before\n<!-- settings: prediction intensity -->\nold\n<!-- end -->\nafter\n"
    demo = {"prediction": {"threshold": 0.4}}
    assert with_tables(text, MODEL, demo) == (
        "before\n<!-- settings: prediction intensity -->\n"
        "| setting | takes | default | demo | meaning | source |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| `prediction.threshold` | number, above 0, below 1 | 0.5 | 0.4 | Probability from which "
        "a pixel is liver. | code |\n"
        "| `intensity.window` | [low, high], each a number, -32768 to 32768 | [-100, 400] |  | "
        "HU, clipped and rescaled to [-1, 1]. | code, in its later revisions |\n"
        "<!-- end -->\nafter\n"
    )


class Untold(Settings):
    """Without a text."""

    size: Count = 1


class Unsourced(Settings):
    """Without a source."""

    size: Count = 1
    """How large."""


def test_a_setting_without_text_or_source_is_refused():
    with pytest.raises(UpwindError, match=r"Untold\.size has no text"):
        texts(Untold)
    with pytest.raises(UpwindError, match=r"Unsourced\.size has no source"):
        texts(Unsourced)


def test_texts_come_from_where_a_setting_is_defined():
    assert texts(LSNSettings)["epochs"] == (
        "Passes over the training slices; the demo's 12 keep it to minutes.\n\nSource: paper."
    )
    assert texts(NetworkSettings)["epochs"].endswith("Source: ours.")
    assert list(texts(BlindSettings)) == list(BlindSettings.model_fields)
