import copy
import re
from pathlib import Path

import pytest
import yaml

from upwind.common.config import check_config
from upwind.common.errors import UpwindError

ROOT = Path(__file__).resolve().parents[2]


def load(name):
    return yaml.safe_load((ROOT / name).read_text())


SCHEMA = load("workflow/schemas/config.schema.yaml")
DEMO = load("config/config.yaml")


def merged(base, over):
    """Key by key, the later file winning, as Snakemake merges configuration files."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def problems(over, base=DEMO, schema=SCHEMA):
    """Lines of the error that the demo with ``over`` gives; none if it holds."""
    try:
        check_config(merged(base, over), schema)
    except UpwindError as error:
        return [line[4:] for line in str(error).splitlines() if line.startswith("  - ")]
    return []


# Configurations in the repository -----------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(path.name for path in ROOT.glob("config/*.yaml")))
def test_every_configuration_in_the_repository_holds(file):
    assert problems(load(f"config/{file}")) == []


def leaves(schema, prefix=""):
    """(dotted key, required) of every setting."""
    for key, part in schema["properties"].items():
        name = prefix + key
        if "properties" in part:
            yield from leaves(part, name + ".")
        else:
            yield name, key in schema.get("required", [])


LEAVES = dict(leaves(SCHEMA))


def settings_of(config, prefix=""):
    for key, value in config.items():
        if isinstance(value, dict) and prefix + key not in LEAVES:
            yield from settings_of(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def test_the_demo_states_every_required_setting():
    stated = set(settings_of(DEMO))
    assert {name for name, required in LEAVES.items() if required} <= stated
    assert stated <= LEAVES.keys()


def test_the_settings_that_users_rely_on_exist():
    promised = {
        "experiment", "dataset.kind", "dataset.root", "image_size", "folds", "seed",
        "unet.epochs", "lsn.epochs", "lsn.steps", "levelset.trials", "dataset.on_bad_case",
    }  # fmt: skip
    assert promised <= set(settings_of(DEMO))
    assert SCHEMA["properties"]["dataset"]["properties"]["kind"]["enum"] == [
        "phantom", "lits", "msd",
    ]  # fmt: skip


def test_every_setting_is_explained():
    explained = set(re.findall(r"`([^`\n]+)`", (ROOT / "config/README.md").read_text()))
    assert LEAVES.keys() - explained == set()


def test_nothing_else_is_explained():
    # What follows is about the profile for SLURM, whose keys are Snakemake's.
    settings, _ = (ROOT / "config/README.md").read_text().split("\n# SLURM\n")
    rows = [line.split("|")[1] for line in settings.splitlines() if line.startswith("| `")]
    explained = {key for cell in rows for key in re.findall(r"`([^`]+)`", cell)}
    assert explained - LEAVES.keys() == set()


# What is refused, and how -------------------------------------------------------------------------


def test_every_problem_is_named_at_once():
    found = problems(
        {
            "seed": -1,
            "image_size": 65,
            "folds": "five",
            "unet": {"epochs": 0, "epoch": 3},
            "dataset": {"kind": "nifti"},
            "intensity": {"window": [400, -100]},
        }
    )
    assert sorted(line.split(":")[0] for line in found) == [
        "dataset.kind", "folds", "image_size", "intensity.window", "seed", "unet.epoch",
        "unet.epochs",
    ]  # fmt: skip


def test_the_message_says_what_to_do():
    with pytest.raises(UpwindError, match=r"(?s)does not hold:.*config/README\.md explains"):
        check_config(DEMO | {"seed": -1}, SCHEMA)


@pytest.mark.parametrize(
    ("over", "line"),
    [
        ({"image_sise": 64}, "image_sise: no such setting; did you mean 'image_size'?"),
        ({"unet": {"epoch": 3}}, "unet.epoch: no such setting; did you mean 'epochs'?"),
        (
            {"levelset": {"trails": 3}},
            "levelset.trails: no such setting; did you mean 'trials'?",
        ),
        ({"unet": {"zzz": 3}}, "unet.zzz: no such setting; known are epochs, kernels"),
        ({"unet": {3: 3}}, "unet.3: no such setting; known are epochs, kernels"),
    ],
)
def test_a_misspelt_setting_gets_the_nearest_name(over, line):
    assert problems(over) == [line]


@pytest.mark.parametrize(
    ("over", "line"),
    [
        ({"image_size": 65}, "image_size: 65 is not a multiple of 16"),
        ({"folds": 1}, "folds: 1 is less than the minimum of 2"),
        ({"folds": "5"}, "folds: '5' is not of type 'integer'"),
        ({"folds": True}, "folds: True is not of type 'integer'"),
        ({"dataset": None}, "dataset: None is not of type 'object'"),
        (
            {"dataset": {"kind": "nifti"}},
            "dataset.kind: 'nifti' is not one of ['phantom', 'lits', 'msd']",
        ),
        (
            {"lsn": {"terms": ["balloon", "ballon"]}},
            "lsn.terms.1: 'ballon' is not one of ['balloon', 'transport', 'curvature']",
        ),
        (
            {"levelset": {"cases": "some"}},
            "levelset.cases: 'some' fits neither form: 'some' is not one of ['all', 'paper21'], or "
            "'some' is not of type 'array'",
        ),
        (
            {"kernels": {"network": "unet"}},
            "kernels.network: 'unet' fits neither form: 'all' was expected, or 'unet' is not of "
            "type 'integer'",
        ),
        (
            {"kernels": {"network": 5}},
            "kernels.network: there is no fold 5; folds are 0 to 4, or all",
        ),
        (
            {"kernels": {"second_seed": 0}},
            "kernels.second_seed: 0 is `seed` itself; choose another, or null for none",
        ),
        (
            {"variants": {"unet": {"of": "unet", "epochs": 3}}},
            "variants.unet: kernels.second_seed trains it, so that it must be the UNet as it is, "
            "{of: unet}; name your own variant otherwise, or set kernels.second_seed: null",
        ),
        (
            {"intensity": {"window": [400, -100]}},
            "intensity.window: [400, -100] is not [low, high]: the second must be larger",
        ),
        (
            {"intensity": {"window": [40, 40]}},
            "intensity.window: [40, 40] is not [low, high]: the second must be larger",
        ),
        (
            {"variants": {"mine": {"of": "lsn", "term": ["balloon"]}}},
            "variants.mine, as a network like lsn: term: no such setting; did you mean 'terms'?",
        ),
        (
            {"variants": {"mine": {"of": "unet", "epochs": 0}}},
            "variants.mine, as a network like unet: epochs: 0 is less than the minimum of 1",
        ),
        (
            {"variants": {"mine": {"of": "unet", "kernels": "fixed"}}},
            "variants.mine, as a network like unet: kernels: 'fixed' is not one of ['free', "
            "'mean_zero', 'differences']",
        ),
        (
            {"variants": {"mine": {"of": "unet", "network": "speed"}}},
            "variants.mine: network speed is a part of the lsn, not of unet",
        ),
        (
            {"replacements": {"draws": 0}},
            "replacements.draws: 0 is less than the minimum of 1",
        ),
        (
            {"levelset": {"curvature": [1.5, 0.1]}},
            "levelset.curvature: [1.5, 0.1] is not [low, high]: the second must be larger",
        ),
    ],
)
def test_an_impossible_value_is_named(over, line):
    assert problems(over) == [line]


@pytest.mark.parametrize("text", ["1e-7", "1E-7", "1.0e7"])
def test_a_number_that_yaml_takes_for_text_is_explained(text):
    over = yaml.safe_load(f"training: {{epsilon: {text}}}")
    assert problems(over) == [
        f"training.epsilon: {text!r} is not of type 'number'; write exponents with point and "
        "sign, like 1.0e-7"
    ]
    assert problems(yaml.safe_load("training: {epsilon: 1.0e-7}")) == []


@pytest.mark.parametrize("experiment", ["../elsewhere", "a/b", "a b", "", ".hidden", "-x"])
def test_an_experiments_name_stays_a_folder_below_results(experiment):
    assert len(problems({"experiment": experiment})) >= 1


@pytest.mark.parametrize("name", [name for name, required in LEAVES.items() if required])
def test_a_missing_setting_is_named(name):
    config = copy.deepcopy(DEMO)
    *sections, key = name.split(".")
    part = config
    for section in sections:
        part = part[section]
    del part[key]
    where = ".".join(sections) or "top level"
    assert problems({}, base=config) == [f"{where}: {key!r} is a required property"]


@pytest.mark.parametrize(
    "over",
    [
        {"levelset": {"cases": [3, 9]}},  # two case numbers are not a range
        {"levelset": {"cases": [9, 3]}},
        {"levelset": {"curvature": [0.5, 0.5]}},
        {"kernels": {"network": 4}},
        {"kernels": {"second_seed": None}, "variants": {"unet": {"of": "unet", "epochs": 3}}},
        {"fold_shuffle_seed": 3},
        {"lsn": {"dilations": [4, 1]}},
        {"training": {"device": "cuda:1"}},
    ],
)
def test_what_is_possible_is_accepted(over):
    assert problems(over) == []


def test_an_empty_configuration_names_every_section():
    found = problems({}, base={})
    assert found == [f"top level: {key!r} is a required property" for key in SCHEMA["required"]]
