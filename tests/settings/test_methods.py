"""The section ``methods``: three kinds of entries, told by their settings."""

import pytest

from upwind.common.errors import UpwindError
from upwind.settings.check import check_config

MASKS = {"masks": "/m/{case}.nii.gz"}


def problems(**settings):
    try:
        check_config({"experiment": "x"} | settings)
    except UpwindError as error:
        return [line[4:] for line in str(error).splitlines() if line.startswith("  - ")]
    return []


@pytest.mark.parametrize(
    "entry",
    [
        MASKS,
        {"masks": "~/m/{case:03d}/liver-{case}.nii", "label": 5},
        {"masks": "${HOME}/{case}.nii.gz", "label": [1, 2]},
        {"network": "package.module:Class", "epochs": 1},
        {"network": "m:make", "epochs": 3, "options": {"a": {"b": [1]}}, "output": "probabilities"},
        {"of": "unet", "postprocess": "largest_component", "colour": "#00ff00"},
        {"of": "lsn", "weights": "averaged"},
        {"of": "third", "postprocess": "largest_component"},
    ],
)
def test_what_holds(entry):
    third = {"of": "unet", "weights": "averaged", "title": "T"}
    assert problems(methods={"own": entry, "third": third}) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"title": "T"}, "methods.own: {'title': 'T'} is no method: give masks, or network and"),
        ([1], "methods.own: [1] is no method"),
        ({"masks": "/m/x.nii.gz"}, "methods.own.masks: '/m/x.nii.gz' does not tell the file of a"),
        ({"masks": "/{case}/{fold}.nii"}, "methods.own.masks: '/{case}/{fold}.nii' does not tell"),
        ({"masks": "/${NOWHERE_AT_ALL}/{case}"}, "nothing else may stand in braces"),
        ({"masks": "/{case:q}.nii"}, "methods.own.masks: '/{case:q}.nii' does not tell"),
        (MASKS | {"lable": 3}, "methods.own.lable: no such setting; did you mean 'label'?"),
        (MASKS | {"label": [1, 1]}, "names one thing twice"),
        (MASKS | {"epochs": 3}, "methods.own.epochs: no such setting"),
        ({"network": "a.b:C"}, "methods.own.epochs: has to be given"),
        ({"network": "a.b", "epochs": 1}, "methods.own.network: 'a.b' does not have the form"),
        ({"of": "unet"}, "methods.own: {'of': 'unet'} does not say what comes of that method"),
        ({"postprocess": "largest_component"}, "methods.own.of: has to be given"),
        ({"of": "unet", "postprocess": "opening"}, "'opening' is not 'largest_component'"),
        ({"of": "none", "postprocess": "largest_component"}, "methods.own.of: no method 'none'"),
        (
            {"of": "second", "postprocess": "largest_component"},
            "methods.own.of: second is itself post-processed: name the method before it",
        ),
        ({"of": "unet", "weights": "last"}, "methods.own.weights: 'last' is not 'averaged'"),
        ({"of": "itk_snap", "weights": "averaged"}, "methods.own.of: itk_snap is no network"),
        ({"of": "third", "weights": "averaged"}, "methods.own.of: third is no network"),
        (
            {"of": "second", "weights": "averaged"},
            "methods.own.of: second is itself post-processed: name the method before it",
        ),
        (
            {"of": "unet", "weights": "averaged", "postprocess": "largest_component"},
            "give weights or postprocess, and for both a second method of the first",
        ),
        (MASKS | {"colour": "red"}, "methods.own.colour: 'red' does not have the form"),
    ],
)
def test_what_does_not_hold_is_said_in_its_place(entry, said):
    second = {"of": "unet", "postprocess": "largest_component"}
    third = {"of": "unet", "weights": "averaged"}
    methods = {"own": entry, "second": second, "third": third}
    assert any(said in line for line in problems(methods=methods))


@pytest.mark.parametrize(
    "name", ["unet", "itk_snap", "speed", "lsn_test", "dataset", "methods", "fold", "foreign"]
)
def test_a_name_that_something_else_has_is_refused(name):
    (said,) = problems(methods={name: MASKS})
    assert said == f"methods.{name}: is the name of something else: choose another"


def test_names_are_words():
    (said,) = problems(methods={"nn-UNet": MASKS})
    assert "methods.nn-UNet" in said


def test_columns_of_table_1_are_known():
    assert problems(methods={"own": MASKS}, table1={"columns": ["unet", "own"]}) == []
    (said,) = problems(table1={"columns": ["unet", "lsn_tset"]})
    assert said == "table1.columns: no column or method 'lsn_tset'; did you mean 'lsn_test'?"


def test_faults_of_several_entries_are_named_at_once():
    said = problems(methods={"a": {"masks": "x"}, "b": {"network": "n", "epochs": 0}})
    assert len(said) == 3
