"""A configuration is completed with defaults, or every fault in it is named at once."""

import copy
from pathlib import Path

import pytest
import yaml

from upwind.common.errors import UpwindError
from upwind.settings.check import check_config
from upwind.settings.lsn import LSNSettings
from upwind.settings.model import Count
from upwind.settings.networks import NetworkSettings
from upwind.settings.root import settings_model
from upwind.settings.unet import UNetSettings

ROOT = Path(__file__).resolve().parents[2]


def load(name):
    return yaml.safe_load((ROOT / name).read_text())


DEMO = load("config/config.yaml")
UNET_KNOWN = "epochs, kernels, subspace, first_layer, initial_weights"
LITS = load("config/lits.yaml")
REAL = load("config/real_cases.yaml")
DEVELOPMENT = load("config/development.yaml")
DEFAULTS = check_config({"experiment": "default"})


def merged(base, over):
    """Key by key, the later file winning, as Snakemake merges configuration files."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


STUDY = {"variants": ["unet", "lsn"], "folds": [0], "seeds": [0], "patients": ["all"]}
# Whatever other networks somebody adds.
PAPER = settings_model({"unet": UNetSettings, "lsn": LSNSettings}, {"lsn": ("speed",)})


def problems(over, base=DEMO, model=PAPER):
    """Lines of the error that the demo with ``over`` gives; none if it holds."""
    try:
        check_config(merged(base, over), model)
    except UpwindError as error:
        return [line[4:] for line in str(error).splitlines() if line.startswith("  - ")]
    return []


def leaves(config, prefix=""):
    """Values by dotted names; variants and studies, named by the user, are whole."""
    for key, value in config.items():
        if isinstance(value, dict) and prefix not in ("variants.", "studies."):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


# Configurations in the repository -----------------------------------------------------------------


OTHERS = {"lits": LITS, "real cases": REAL, "development": DEVELOPMENT}


@pytest.mark.parametrize("over", [{}, *OTHERS.values()], ids=["demo", *OTHERS])
def test_every_configuration_in_the_repository_holds(over):
    assert problems(over) == []


def test_the_demo_names_only_what_makes_it_the_demo():
    default = dict(leaves(DEFAULTS))
    # Naming any variant replaces the default, which are the networks as they are.
    needed = {"variants.unet", "variants.lsn"}
    same = {name for name, value in leaves(DEMO) if name in default and default[name] == value}
    assert same == needed


@pytest.mark.parametrize("over", OTHERS.values(), ids=OTHERS)
def test_the_others_name_only_what_the_demo_and_the_defaults_do_not(over):
    before = dict(leaves(check_config(DEMO)))
    same = {name for name, value in leaves(over) if before.get(name) == value}
    assert same == set()


def test_what_is_given_wins_and_the_rest_has_its_default():
    settings = check_config({"experiment": "mine", "lsn": {"dt": 0.25}, "folds": 3})
    assert settings == merged(DEFAULTS, {"experiment": "mine", "lsn": {"dt": 0.25}, "folds": 3})


def test_settings_come_out_as_yaml_has_them_numbers_as_they_were_written():
    whole = {"lsn": {"edge_contrast": 20, "dilations": [1, 2]}, "intensity": {"window": [-9, 8.5]}}
    settings = check_config(merged(DEMO, whole))
    assert yaml.safe_load(yaml.safe_dump(settings)) == settings
    assert repr(settings["lsn"]["edge_contrast"]) == "20"
    assert repr(settings["intensity"]["window"]) == "[-9, 8.5]"
    assert check_config(settings) == settings


def test_a_variant_keeps_what_it_was_given_and_no_more():
    assert check_config(DEMO)["variants"] == DEMO["variants"]


def test_the_defaults_are_the_papers_where_it_states_them():
    stated = {
        "folds": 5,  # paper
        "image_size": 256,  # code
        "unet.epochs": 40,  # paper
        "lsn.epochs": 20,  # paper
        "kernels.clusters": 3,  # paper
        "intensity.window": [-100, 400],  # code
        "lsn.disc_radius": 20 / 256,  # code
        "prediction.threshold": 0.5,  # code
    }
    assert stated.items() <= dict(leaves(DEFAULTS)).items()
    assert (DEFAULTS["lsn"]["steps"], DEFAULTS["levelset"]["trials"]) == (224, 20)


def test_the_settings_that_users_rely_on_exist():
    promised = {
        "experiment", "dataset.kind", "dataset.root", "image_size", "folds", "seed",
        "unet.epochs", "lsn.epochs", "lsn.steps", "levelset.trials", "dataset.on_bad_case",
    }  # fmt: skip
    assert promised <= dict(leaves(DEFAULTS)).keys()


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
    with pytest.raises(UpwindError, match=r"(?s)cannot be used:.*config/README\.md explains"):
        check_config(DEMO | {"seed": -1})


@pytest.mark.parametrize(
    ("over", "line"),
    [
        ({"image_sise": 64}, "image_sise: no such setting; did you mean 'image_size'?"),
        ({"unet": {"epoch": 3}}, "unet.epoch: no such setting; did you mean 'epochs'?"),
        (
            {"levelset": {"trails": 3}},
            "levelset.trails: no such setting; did you mean 'trials'?",
        ),
        ({"unet": {"zzz": 3}}, f"unet.zzz: no such setting; known are {UNET_KNOWN}"),
        ({"unet": {3: 3}}, f"unet.3: no such setting; known are {UNET_KNOWN}"),
    ],
)
def test_a_misspelt_setting_gets_the_nearest_name(over, line):
    assert problems(over) == [line]


@pytest.mark.parametrize(
    ("over", "line"),
    [
        ({"image_size": 65}, "image_size: 65 is not a multiple of 16"),
        ({"seeds": [1, 2]}, "seeds: 0 is missing, the `seed` of Table I; add it"),
        (
            {"seeds": [0, 1], "variants": {"lsn": {"of": "lsn", "epochs": 3}}},
            "variants.lsn: seeds train it, so that it must be the network as it is, {of: lsn}; "
            "name your own variant otherwise, or set seeds: null",
        ),
        (
            {
                "seeds": [0, 1],
                "methods": {"mine": {"network": "package:Net", "epochs": 1}},
                "variants": {"unet": {"of": "unet"}, "lsn": {"of": "lsn"}, "mine": {"of": "lsn"}},
            },
            "variants.mine: seeds train methods.mine under that name; name it otherwise",
        ),
        (
            {"folds": 1},
            "folds: 1 fits neither form: 1 is less than the minimum of 2, or 1 is not text",
        ),
        (
            {"folds": "5"},
            "folds: '5' fits neither form: '5' is not a whole number, or '5' does not have the "
            r"form \.(csv|json)$",
        ),
        (
            {"folds": True},
            "folds: True fits neither form: True is not a whole number, or True is not text",
        ),
        ({"dataset": None}, "dataset: None is not a section of settings"),
        (
            {"dataset": {"kind": "nifti"}},
            "dataset.kind: 'nifti' is not one of 'phantom', 'lits', 'msd'",
        ),
        (
            {"lsn": {"terms": ["balloon", "ballon"]}},
            "lsn.terms.1: 'ballon' is not one of 'balloon', 'transport', 'curvature'",
        ),
        (
            {"levelset": {"cases": "some"}},
            "levelset.cases: 'some' fits neither form: 'some' is not one of 'all', 'paper21', or "
            "'some' is not a list",
        ),
        (
            {"kernels": {"network": "unet"}},
            "kernels.network: 'unet' fits neither form: 'unet' is not 'all', or 'unet' is not a "
            "whole number",
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
            "variants.mine, as a network like unet: kernels: 'fixed' is not one of 'free', "
            "'mean_zero', 'differences', 'differences_with_mean', 'random_5', "
            "'random_5_with_mean', 'random_5_mean_zero', 'random_8', 'random_8_with_mean', "
            "'frozen'",
        ),
        (
            {"variants": {"mine": {"of": "unet", "postprocess": "connected_with_disc"}}},
            "variants.mine.postprocess: the unet starts from no disc",
        ),
        (
            {"variants": {"mine": {"of": "unet", "network": "speed"}}},
            "variants.mine: speed is no part of the unet",
        ),
        (
            {"studies": {"mine": STUDY | {"against": {"lsn": "speed_alone"}}}},
            "studies.mine.against.lsn: no variant 'speed_alone' in this study; it has unet, lsn",
        ),
        (
            {"studies": {"mine": STUDY | {"against": {"lsn": "lsn"}}}},
            "studies.mine.against: lsn cannot be compared with itself",
        ),
        (
            {"replacements": {"draws": 0}},
            "replacements.draws: 0 is less than the minimum of 1",
        ),
        (
            {"levelset": {"curvature": [1.5, 0.1]}},
            "levelset.curvature: [1.5, 0.1] is not [low, high]: the second must be larger",
        ),
        (
            {"levelset": {"edge_equation": "itk_snap"}},
            "levelset.edge_equation: 'itk_snap' does not fit: it has to be geodesic with the "
            "engine simpleitk",
        ),
        (
            {"levelset": {"cases": [3, -1]}},
            "levelset.cases: [3, -1] fits neither form: [3, -1] is not one of 'all', 'paper21', or "
            "1: -1 is less than the minimum of 0",
        ),
        (
            {"levelset": {"cases": [3, 3]}},
            "levelset.cases: [3, 3] fits neither form: [3, 3] is not one of 'all', 'paper21', or "
            "[3, 3] names one thing twice",
        ),
        ({"levelset": {"trials": 0}}, "levelset.trials: 0 is less than the minimum of 1"),
        ({"levelset": {"startup": 1}}, "levelset.startup: 1 is less than the minimum of 2"),
        (
            {"levelset": {"spacing_mm": 0.0}},
            "levelset.spacing_mm: 0.0 is less than the minimum of 0.2",
        ),
        (
            {"levelset": {"bubble_fraction": 1.5}},
            "levelset.bubble_fraction: 1.5 is greater than the maximum of 1",
        ),
        (
            {"levelset": {"least_gain": -0.1}},
            "levelset.least_gain: -0.1 is less than the minimum of 0",
        ),
        ({"levelset": {"curvature": [0.0, 1.0]}}, "levelset.curvature.0: 0.0 is not above 0"),
        ({"levelset": {"curvature": [1.0]}}, "levelset.curvature.1: has to be given"),
        ({"levelset": {"curvature": 1.0}}, "levelset.curvature: 1.0 is not a list"),
        (
            {"levelset": {"sampler": "grid"}},
            "levelset.sampler: 'grid' is not one of 'tpe', 'random'",
        ),
        (
            {"levelset": {"blind": {"spacing_mm": 0}}},
            "levelset.blind.spacing_mm: 0 is less than the minimum of 0.2",
        ),
        (
            {"training": {"device": "gpu"}},
            "training.device: 'gpu' does not have the form ^(auto|cpu|cuda(:[0-9]+)?)$",
        ),
        ({"training": {"compile": 1}}, "training.compile: 1 is not true or false"),
        ({"training": {"epsilon": float("inf")}}, "training.epsilon: inf is not a finite number"),
        ({"lsn": {"terms": []}}, "lsn.terms: [] has fewer entries than 1"),
        ({"lsn": {"kept_steps": 7}}, "lsn.kept_steps: 7 is less than the minimum of 8"),
        (
            {"variants": {"Mine": {"of": "lsn"}}},
            "variants.Mine: 'Mine' does not have the form ^[a-z][a-z0-9_]*$",
        ),
        ({"variants": {"mine": {}}}, "variants.mine.of: has to be given"),
        (
            {"variants": {"mine": {"of": "vnet"}}},
            "variants.mine.of: 'vnet' is not one of 'unet', 'lsn'",
        ),
        (
            {"studies": {"stability": {"variants": ["lsn", "long"]}}, "variants": None},
            "variants: None is not a section of settings",
        ),
        (
            {"studies": {"stability": {"folds": [0, 5]}}},
            "studies.stability.folds: there is no fold 5; folds are 0 to 4",
        ),
        (
            {"studies": {"stability": {"patients": ["all", "some"]}}},
            "studies.stability.patients.1: 'some' fits neither form: 'some' is not 'all', or "
            "'some' is not a whole number",
        ),
        (
            {"studies": {"replacements": DEMO["studies"]["stability"]}},
            "studies.replacements: 'replacements' is the name of something else: choose another",
        ),
        (
            {"replacements": {"folds": [2, 5]}},
            "replacements.folds: there is no fold 5; folds are 0 to 4",
        ),
    ],
)
def test_an_impossible_value_is_named(over, line):
    assert problems(over) == [line]


@pytest.mark.parametrize("text", ["1e-7", "1E-7", "1.0e7"])
def test_a_number_that_yaml_takes_for_text_is_explained(text):
    over = yaml.safe_load(f"training: {{epsilon: {text}}}")
    assert problems(over) == [
        f"training.epsilon: {text!r} is not a number; write exponents with point and "
        "sign, like 1.0e-7"
    ]
    assert problems(yaml.safe_load("training: {epsilon: 1.0e-7}")) == []


@pytest.mark.parametrize("experiment", ["../elsewhere", "a/b", "a b", "", ".hidden", "-x"])
def test_an_experiments_name_stays_a_folder_below_results(experiment):
    assert len(problems({"experiment": experiment})) >= 1


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


def test_only_the_name_has_to_be_given():
    assert problems({}, base={}) == ["experiment: has to be given"]


def test_faults_of_every_kind_come_in_one_list():
    """Of types, limits, names and forms, and of settings that do not go with each other, whether or
    not others are at fault."""
    found = problems(
        {
            "seed": -1,
            "image_sise": 64,
            "kernels": {"network": 7, "clusters": 99},
            "levelset": {"trials": "six", "edge_equation": "itk_snap", "curvature": [2, 1]},
            "lsn": {"dt": 0.7, "steps": None},
            "studies": {"mine": {"variants": ["gone"], "folds": [0], "seeds": [0]}},
            "replacements": {"folds": [9]},
            "variants": {
                "wrong": {"of": "lsn", "dt": 2},
                "odd": {"of": "unet", "network": "speed"},
            },
        }
    )
    assert found == [
        "seed: -1 is less than the minimum of 0",
        "levelset.edge_equation: 'itk_snap' does not fit: it has to be geodesic with the engine "
        "simpleitk",
        "levelset.trials: 'six' is not a whole number",
        "levelset.curvature: [2, 1] is not [low, high]: the second must be larger",
        "kernels.clusters: 99 is greater than the maximum of 8",
        "studies.mine.patients: has to be given",
        "lsn.steps: None is not a whole number",
        "lsn.dt: 0.7 is greater than the maximum of 0.5",
        "image_sise: no such setting; did you mean 'image_size'?",
        "kernels.network: there is no fold 7; folds are 0 to 4, or all",
        "variants.wrong, as a network like lsn: dt: 2 is greater than the maximum of 0.5",
        "variants.odd: speed is no part of the unet",
        "replacements.folds: there is no fold 9; folds are 0 to 4",
    ]


def test_what_is_at_fault_itself_says_nothing_about_others():
    over = {"folds": "six", "kernels": {"network": 5}, "replacements": {"folds": [5]}}
    (line,) = problems(over)
    assert line.startswith("folds: 'six' fits neither form: 'six' is not a whole number")
    wrong = {"variants": {"mine": {"of": "vnet"}}}
    study = {"variants": ["mine"], "folds": "all", "seeds": [0], "patients": ["all"]}
    assert problems(wrong | {"studies": {"mine": study}}) == [
        "variants.mine.of: 'vnet' is not one of 'unet', 'lsn'"
    ]


def test_what_a_study_compares_with_what_are_variants_of_it():
    wrong = {"studies": {"mine": STUDY | {"against": {"lnn": "unet"}}}}
    assert problems(wrong) == [
        f"studies.mine.against: no variant 'lnn'; known are {', '.join(DEMO['variants'])}"
    ]
    # A shorter list of variants needs no other `against`.
    assert not problems({"studies": {"gain": {"variants": ["unet", "speed_alone", "lsn"]}}})


def test_a_study_names_variants_that_are_there():
    study = {"variants": ["lsn", "long"], "folds": [0], "seeds": [0], "patients": ["all"]}
    known = ", ".join(DEMO["variants"])
    assert problems({"studies": {"mine": study}}) == [
        f"studies.mine.variants: no variant 'long'; known are {known}"
    ]


# Another network ----------------------------------------------------------------------------------


class VNetSettings(NetworkSettings):
    """A third network."""

    epochs: Count = 7
    """Passes.

    Source: ours."""
    width: Count = 2
    """Channels.

    Source: ours."""


def test_another_network_brings_its_section_and_its_name_in_variants():
    model = settings_model(
        {"unet": UNetSettings, "lsn": LSNSettings, "vnet": VNetSettings}, {"lsn": ("speed",)}
    )
    over = {"vnet": {"width": 3}, "variants": {"wide": {"of": "vnet", "width": 9}}}
    settings = check_config(merged(DEMO, over), model)
    assert settings["vnet"] == {"epochs": 7, "width": 3}
    assert check_config({"experiment": "x"}, model)["variants"] == {
        name: {"of": name} for name in ("unet", "lsn", "vnet")
    }
    assert problems(merged(over, {"variants": {"wide": {"width": 0}}}), model=model) == [
        "variants.wide, as a network like vnet: width: 0 is less than the minimum of 1"
    ]
    assert problems(over) == [
        "variants.wide.of: 'vnet' is not one of 'unet', 'lsn'",
        "vnet: no such setting; did you mean 'unet'?",
    ]


# A path as people write it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("~/LITS17", "/home/x/LITS17"),
        ("$HOME/LITS17/", "/home/x/LITS17"),
        ("data/lits/", "data/lits"),
        ("./data//lits/.", "data/lits"),
        ("/data/my disk/lits", "/data/my disk/lits"),
    ],
)
def test_the_root_of_the_data(monkeypatch, written, taken):
    monkeypatch.setenv("HOME", "/home/x")
    completed = check_config(DEMO | {"dataset": {"kind": "lits", "root": written}})
    assert completed["dataset"]["root"] == taken


@pytest.mark.parametrize("root", [".", "/", "..", "data/{case}", "data/*", "$NONE/x", "a\nb"])
def test_a_root_that_no_rule_can_take(root):
    (line,) = problems({"dataset": {"root": root}})
    assert line.startswith("dataset.root: ")
