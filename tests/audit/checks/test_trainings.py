"""Weights, curves and finished states of trainings, held together."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from upwind.audit.checks.trainings import check_trainings
from upwind.audit.findings import Severity
from upwind.audit.provenance_graph import load
from upwind.provenance.records import read_record, write_record

NETWORK = "results/x/networks/unet/0"
WEIGHTS, CURVES = f"{NETWORK}/weights.safetensors", f"{NETWORK}/curves.csv"
STATE = "checkpoints/x/unet-0/0123456789abcdef.safetensors"
PARAMS = {"kind": "unet", "image_size": 32, "window": [-100, 400], "seed": 3, "run": "unet 0"}
PARAMS |= {"network": {"epochs": 2}}
TENSORS = {"head.weight": np.arange(6, dtype=np.float32), "head.bias": np.ones(1, np.float32)}
ROWS = [[1, 0.5, 0.6, 0.7, 1.25], [2, 0.4, 0.5, 0.8, 2.5]]


def found(project):
    run = load(project.results)
    checked = check_trainings(run, set(run.records))
    return [(f.path, f.message) for f in checked.findings], checked.counts


def curves(rows):
    lines = [",".join(map(str, row)) for row in rows]
    return "\n".join(["epoch,train_loss,heldout_loss,heldout_dsc,seconds", *lines])


def state(project, tensors=TENSORS, path=STATE, finished=True, seed=3, rows=ROWS, epochs=2):
    """A training's state; ``network.`` stands before the names of its tensors."""
    header = {"numbers": {"finished": finished}}
    header["parts"] = {"settings": {"epochs": epochs}, "seed": seed}
    (project.root / path).parent.mkdir(parents=True, exist_ok=True)
    named = {f"network.{name}": value for name, value in tensors.items()}
    named |= {f"optimiser.{name}": 2 * value for name, value in tensors.items()}
    named["rows"] = np.array(rows, float)
    save_file(named, project.root / path, {"upwind_checkpoint": json.dumps(header)})


def weights(project, tensors=TENSORS, **others):
    stated = {"network": "unet", "image_size": 32, "window": [-100, 400]} | others
    (project.root / WEIGHTS).parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, project.root / WEIGHTS, {"upwind": json.dumps(stated)})


def trained(project, rows=ROWS, **params):
    """The record of the training, and its curves."""
    record = project.job("train", outputs={CURVES: curves(rows)}, params=PARAMS | params)
    files = project.states([WEIGHTS, CURVES])
    write_record(project.record("train"), replace(record, outputs=files))


@pytest.fixture
def training(project):
    """A training with its finished state."""
    weights(project)
    trained(project)
    state(project)
    return project


def test_all_is_well(training):
    assert found(training) == ([], {"finished_trainings": 1})


@pytest.mark.parametrize(
    ("rows", "told", "is_right"),
    [
        (["1,0.5,0.5", "2,0.4,0.4"], 2, True),
        (["1,0.5,0.5", "2,0.4,0.4"], 20, False),
        (["1,0.5,0.5", "2,0.4,0.4"], 1, False),
        # It diverged, and ended there.
        (["1,0.5,0.5", "2,nan,0.4"], 20, True),
        (["1,nan,0.5", "2,0.4,0.4"], 1, False),
    ],
)
def test_epochs_against_the_curves(project, rows, told, is_right):
    text = "\n".join(["epoch,train_loss,heldout_loss", *rows])
    project.job("train", outputs={CURVES: text}, params={"network": {"epochs": told}})
    message = f"it has 2 epochs, and its job was told to train {told}"
    assert found(project)[0] == ([] if is_right else [(CURVES, message)])


@pytest.mark.parametrize(
    ("name", "value"), [("kind", "lsn"), ("image_size", 64), ("window", [-200, 400])]
)
def test_the_header_of_weights_against_what_was_told(training, name, value):
    trained(training, **{name: value})
    message = f"its header states another {name} than its job was told"
    assert found(training)[0] == [(WEIGHTS, message)]


def test_other_weights_than_the_finished_state(training):
    bit = {"head.weight": np.nextafter(TENSORS["head.weight"], 9, dtype=np.float32)}
    weights(training, TENSORS | bit)
    trained(training)
    message = f"they are not what the training ended with, by {STATE}"
    assert found(training) == ([(WEIGHTS, message)], {"finished_trainings": 1})


def test_another_finished_state_than_the_weights(training):
    """A checkpoint has no record: that it was altered shows in the weights."""
    state(training, {name: value + 1 for name, value in TENSORS.items()})
    assert [path for path, _ in found(training)[0]] == [WEIGHTS]


def test_weights_may_be_another_part_of_the_state(training):
    """Those of an average, say, rather than of the last step."""
    weights(training, {name: 2 * value for name, value in TENSORS.items()})
    trained(training)
    assert found(training)[0] == []
    # But all of one part.
    weights(training, TENSORS | {"head.weight": 2 * TENSORS["head.weight"]})
    trained(training)
    assert [path for path, _ in found(training)[0]] == [WEIGHTS]


def test_averaged_weights_are_held_against_the_state_too(training):
    averaged = f"{NETWORK}/averaged.safetensors"
    for factor, is_right in ((2, True), (3, False)):
        record = training.job("train", outputs={CURVES: curves(ROWS)}, params=PARAMS)
        stated = json.dumps({"network": "unet", "image_size": 32, "window": [-100, 400]})
        values = {name: factor * value for name, value in TENSORS.items()}
        save_file(values, training.root / averaged, {"upwind": stated})
        files = training.states([WEIGHTS, averaged, CURVES])
        write_record(training.record("train"), replace(record, outputs=files))
        findings, counts = found(training)
        assert [path for path, _ in findings] == ([] if is_right else [averaged])
        assert counts == {"finished_trainings": 1}


def test_a_training_of_so_many_updates_may_have_any_number_of_epochs(training):
    trained(training, network={"epochs": 20}, updates=340)
    assert found(training) == ([], {"finished_trainings": 1})


def test_other_curves_than_the_finished_state(training):
    trained(training, [[1, 0.5, 0.6, 0.7, 1.25], [2, 0.4, 0.5, 0.9, 2.5]])
    message = f"they are not those of the training's own state, {STATE}"
    assert found(training)[0] == [(CURVES, message)]
    state(training, rows=ROWS[:1])
    assert [path for path, _ in found(training)[0]] == [CURVES]


def test_a_loss_that_is_not_finite_is_an_empty_cell(training):
    state(training, rows=[[1, 0.5, np.nan, 0.7, 1.25]])
    trained(training, [[1, 0.5, "", 0.7, 1.25]])
    assert found(training)[0] == []


@pytest.mark.parametrize("other", [{"finished": False}, {"seed": 4}, {"epochs": 3}])
def test_states_of_other_trainings_do_not_count(training, other):
    state(training, {"head.weight": np.ones(6, np.float32)}, **other)
    assert found(training) == ([], {"finished_trainings": 0})
    state(training, path=STATE.replace("0123", "4567"))
    assert found(training) == ([], {"finished_trainings": 1})


def test_of_some_trainings_the_state_is_not_here(training):
    project_weights = "results/x/networks/unet/1/weights.safetensors"
    training.job("train", outputs={project_weights: ""}, wildcards={"fold": "1"}, params=PARAMS)
    path = training.record("train", wildcards={"fold": "1"})
    write_record(path, replace(read_record(path), params=PARAMS | {"run": "unet 1"}))
    run = load(training.results)
    (finding,) = check_trainings(run, set(run.records)).findings
    assert (finding.severity, finding.path) == (Severity.unchecked, "checkpoints")
    assert finding.message.startswith("of 2 trainings, 1 have no finished state here")


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\x02" + bytes(7) + b"{}"])
def test_a_damaged_state_is_no_witness(training, content):
    (training.root / STATE).write_bytes(content)
    assert found(training) == ([], {"finished_trainings": 0})


@pytest.mark.parametrize("run", ["../../elsewhere 0", "absolute", "", None, "x" * 5000, "\0"])
def test_no_other_folder_is_looked_into(training, run):
    elsewhere = training.root / "elsewhere-0"
    state(training, path="elsewhere-0/state.safetensors")
    trained(training, run=str(elsewhere) if run == "absolute" else run)
    assert found(training) == ([], {"finished_trainings": 0})
