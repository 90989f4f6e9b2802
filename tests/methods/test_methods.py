"""The methods of the pipeline, and what is said where a definition cannot be."""

import json
from pathlib import Path

import pytest

from upwind import methods as package
from upwind.common.errors import UpwindError
from upwind.methods import (
    catalogue,
    in_order,
    known_first,
    network_named,
    read_methods,
    table1_columns,
    title,
    to_json,
    trained,
    untrained,
)
from upwind.methods.method import Column, Method, Network
from upwind.networks.registry import networks

# Others may be added.
PAPER = ("itk_snap", "itk_snap_blind", "unet", "lsn")


def method(key="own", **given):
    return Method(key, "Own", knows="CT", has="nothing", **given)


def test_the_papers_methods_and_the_blind_one_in_the_order_of_tables():
    methods = {key: catalogue()[key] for key in PAPER}
    assert [key for key in catalogue() if key in PAPER] == list(PAPER)
    assert list(table1_columns(methods)) == ["itk_snap", "unet", "lsn_test", "lsn_validation"]
    assert trained(methods) == ["unet", "lsn"]
    assert untrained(methods) == ["itk_snap", "itk_snap_blind"]
    assert {method.cases for method in methods.values() if not method.trained} == {"levelset.cases"}


def test_each_module_of_the_package_is_named_for_its_method():
    folder = Path(package.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {
        "__init__",
        "configured",
        "method",
        "subsets",
    }
    assert modules == catalogue().keys()


def test_colours_tell_them_apart():
    colours = [m.colour for m in catalogue().values()]
    assert len(set(colours)) == len(colours)


def test_where_segmentations_lie():
    name = "segmentation-{case}.nii.gz"
    snap, blind, unet = (catalogue()[key].masks for key in ("itk_snap", "itk_snap_blind", "unet"))
    assert snap == dict.fromkeys(["unseen", "unseen_liver"], f"segmentations/itk_snap/{name}")
    assert blind["unseen"] == f"segmentations/itk_snap_blind/{{fold}}/unseen/{name}"
    assert unet["unseen_liver"] == f"segmentations/unet/{{fold}}/unseen/{name}"
    assert unet["heldout"] == f"segmentations/unet/{{fold}}/heldout/{name}"
    assert "heldout" not in blind


def test_a_run_says_what_its_methods_were(tmp_path):
    path = tmp_path / "methods.json"
    path.write_text(json.dumps(to_json(catalogue())))
    assert read_methods(path) == catalogue()
    assert list(read_methods(path)) == list(catalogue())


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"methods": [{"key": "x"}]}', None])
def test_what_tells_no_methods_is_refused(tmp_path, content):
    path = tmp_path / "methods.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UpwindError, match="does not tell the methods of a run"):
        read_methods(path)


def test_titles():
    names = [title(catalogue(), *about) for about in (
        ("unet",), ("unet", 0), ("lsn", "all"), ("itk_snap", 3), ("other", 1),
    )]  # fmt: skip
    assert names == ["UNet", "UNet, fold 0", "LSN, all cases", "ITK-SNAP, fold 3", "other, fold 1"]


def test_methods_that_are_not_known_stand_last():
    assert known_first(catalogue(), ["z", "lsn", "a", "itk_snap", "lsn"]) == [
        "itk_snap", "lsn", "a", "z",
    ]  # fmt: skip


def test_methods_of_the_same_order_stand_by_name():
    assert list(in_order([method("b"), method("c", order=1), method("a")])) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([method("own"), method("own")], "more than one method is named own"),
        (
            [method("a", columns=(Column("x", "X"),)), method("b", columns=(Column("x", "X"),))],
            "more than one column of Table I is named x",
        ),
    ],
)
def test_a_name_belongs_to_one(given, said):
    with pytest.raises(UpwindError, match=said):
        in_order(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"key": "My-Net"}, "cannot be named 'My-Net'"),
        (
            {"segment": "module.function"},
            "'module.function' is not of the form package.module:name",
        ),
        ({"network": Network("a.b", 1.0), "settings": "a:B"}, "'a.b' is not of the form"),
        ({"segment": "a:b", "by_fold": True}, "whatever the fold: give no network and no by_fold"),
        ({"network": Network("a:B", 1.0)}, "a network needs settings, with at least its epochs"),
        (
            {"columns": (Column("x", "X", "heldout"),)},
            "is about heldout, but it is scored on unseen",
        ),
    ],
)
def test_a_definition_that_cannot_be_is_refused(given, said):
    with pytest.raises(UpwindError, match=said):
        method(**given)


def test_what_a_network_costs():
    assert catalogue()["unet"].network.cost({"epochs": 20}) == 1.7
    assert catalogue()["lsn"].network.cost({"steps": 56}) == pytest.approx(56 * 0.08)
    assert network_named(catalogue(), "speed") is catalogue()["lsn"].network
    with pytest.raises(UpwindError, match="unknown network 'mine'; known are unet, lsn"):
        network_named(catalogue(), "mine")


def test_networks_are_those_of_the_methods_and_their_parts():
    papers = {
        "unet": "upwind.networks.unet:UNet",
        "lsn": "upwind.networks.lsn:LSN",
        "speed": "upwind.networks.speed:SpeedAlone",
    }
    assert papers.items() <= networks().items()
