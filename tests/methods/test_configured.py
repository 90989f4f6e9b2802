"""Methods that a configuration names, and the columns of Table I that it chooses."""

import pytest

from upwind.common.errors import UpwindError
from upwind.methods import (
    catalogue,
    learned,
    read_methods,
    table1_columns,
    to_json,
    trained,
    untrained,
)
from upwind.methods.configured import (
    methods_of,
    network_kind,
    settings_of,
    source_of,
    with_columns,
    with_masks,
)
from upwind.methods.method import Column
from upwind.settings.check import check_config

PAPER = ("itk_snap", "itk_snap_blind", "unet", "lsn")
MASKS = {"masks": "/m/{case}.nii.gz"}
NETWORK = {"network": "a.b:C", "epochs": 2, "options": {"x": [1, 2]}}


def completed(methods=None, **others):
    return check_config({"experiment": "x", "methods": methods or {}} | others)


def test_without_entries_they_are_the_catalogues():
    assert methods_of(completed()) == catalogue()


def test_masks_are_scored_where_masks_csv_has_a_usable_one_and_nothing_is_claimed_of_them():
    method = methods_of(completed({"theirs": MASKS}))["theirs"]
    assert (method.title, method.order, method.cases) == ("theirs", 100, "masks.csv")
    assert (method.knows, method.has) == ("not stated", "not stated")
    assert method.masks["unseen"] == "segmentations/theirs/segmentation-{case}.nii.gz"
    assert not method.in_folds


def test_what_an_entry_says_stands():
    said = {"title": "T", "knows": "K", "has": "H", "colour": "#123456", "order": 5}
    methods = methods_of(completed({"theirs": MASKS | said}))
    assert next(iter(methods)) == "theirs"
    assert {name: getattr(methods["theirs"], name) for name in said} == said


def test_a_network_is_trained_and_scored_on_held_out_slices_too():
    methods = methods_of(completed({"own": NETWORK}))
    assert trained(methods)[-1] == "own"
    assert methods["own"].network.cost({}) == 25
    assert "heldout" in methods["own"].subsets


@pytest.mark.parametrize(
    ("of", "cases", "title"),
    [
        ("unet", "all", "UNet, largest component"),
        ("itk_snap", "levelset.cases", "ITK-SNAP, largest component"),
        ("theirs", "masks.csv", "theirs, largest component"),
    ],
)
def test_post_processing_stands_beside_its_method_with_what_that_was_given(of, cases, title):
    entries = {"after": {"of": of, "postprocess": "largest_component"}, "theirs": MASKS}
    methods = methods_of(completed(entries))
    after, source = methods["after"], methods[of]
    keys = list(methods)
    assert keys.index("after") == keys.index(of) + 1
    assert (after.cases, after.title) == (cases, title)
    assert (after.knows, after.has, after.colour) == (source.knows, source.has, source.colour)
    assert after.masks["unseen"] == "segmentations/after/{fold}/unseen/segmentation-{case}.nii.gz"
    assert "after" in untrained(methods)


@pytest.mark.parametrize("of", ["nobody", "after"])
def test_post_processing_is_of_a_method_that_segments(of):
    entry = completed({"after": {"of": "unet", "postprocess": "largest_component"}})
    entry["methods"]["after"]["of"] = of
    with pytest.raises(UpwindError, match=r"methods\.after\.of: \w+ is no method"):
        methods_of(entry)


def test_averaged_weights_stand_beside_their_network_and_are_post_processed_in_turn():
    entries = {
        "component": {"of": "own_averaged", "postprocess": "largest_component"},
        "own_averaged": {"of": "own", "weights": "averaged"},
        "own": NETWORK,
    }
    config = completed(entries)
    methods = methods_of(config)
    assert list(methods)[-3:] == ["own", "own_averaged", "component"]
    averaged, component = methods["own_averaged"], methods["component"]
    assert (averaged.title, averaged.weights) == ("own, averaged weights", "averaged")
    assert component.title == "own, averaged weights, largest component"
    assert "own_averaged" not in trained(methods)
    assert learned(methods) == ["unet", "lsn", "own", "own_averaged"]
    assert untrained(methods) == ["itk_snap", "itk_snap_blind", "component"]
    # Scored like the network itself, on held-out slices too.
    assert averaged.subsets == methods["own"].subsets
    assert averaged.masks["heldout"].startswith("segmentations/own_averaged/{fold}/heldout/")
    assert settings_of(config, "own_averaged") == settings_of(config, "own")
    assert network_kind(config, "own_averaged") == network_kind(config, "own") == "foreign"
    assert [source_of(config, key) for key in ("own_averaged", "component", "unet")] == [
        "own", "component", "unet",
    ]  # fmt: skip


@pytest.mark.parametrize("of", ["itk_snap", "theirs", "nobody", "after"])
def test_only_a_network_has_averaged_weights(of):
    entry = completed({"after": {"of": "unet", "weights": "averaged"}, "theirs": MASKS})
    entry["methods"]["after"]["of"] = of
    with pytest.raises(
        UpwindError, match=rf"methods\.after\.of: {of} is no network; known are unet"
    ):
        methods_of(entry)


def test_columns_are_chosen_by_their_name_or_by_a_methods():
    chosen = ("lsn_test", "unet", "itk_snap_blind", "theirs")
    methods = methods_of(completed({"theirs": MASKS}, table1={"columns": list(chosen)}))
    assert list(table1_columns(methods)) == ["itk_snap_blind", "unet", "lsn_test", "theirs"]
    assert methods["theirs"].columns == (Column("theirs", "theirs"),)
    assert methods["unet"].columns == catalogue()["unet"].columns


def test_no_column_is_made_up():
    with pytest.raises(UpwindError, match="no column or method lsn_tset; known are itk_snap"):
        with_columns(catalogue(), ["lsn_tset"])


def test_a_run_says_what_they_were(tmp_path):
    import json

    entries = {"own": NETWORK, "after": {"of": "own", "postprocess": "largest_component"}}
    methods = methods_of(completed(entries))
    (tmp_path / "methods.json").write_text(json.dumps(to_json(methods)))
    assert read_methods(tmp_path / "methods.json") == methods


def test_settings_of_a_method_are_those_that_make_its_results():
    config = completed({"own": NETWORK | {"title": "T", "order": 3}, "theirs": MASKS})
    assert settings_of(config, "unet") == config["unet"]
    assert settings_of(config, "own") == NETWORK | {"output": "logits"}
    assert list(with_masks(config)) == ["theirs"]
