"""Checkpoints: whole, intact and of this run, or not used, and then the reason is said."""

import errno
import json
import os
import re

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from upwind.common.errors import UpwindError
from upwind.training import checkpoints as module
from upwind.training.checkpoints import CheckpointPlace, Checkpoints, read_checkpoint
from upwind.training.settings import TrainingSettings
from upwind.training.state import TrainingState

PARTS = {"settings": {"learning_rate": 1.0, "epochs": 9}, "data": {"training": "a" * 64}, "seed": 0}


def state(batches=0):
    torch.manual_seed(1)
    made = TrainingState(nn.Conv2d(1, 2, 3), TrainingSettings(epochs=9), seed=5)
    return advance(made, batches)


def advance(made, batches):
    for _ in range(batches):
        made.optimiser.zero_grad()
        loss = (made.network(torch.ones(1, 1, 4, 4)) ** 2).mean()
        loss.backward()
        made.optimiser.step()
        made.end_batch(loss.detach())
    return made


def store(folder, seconds=0.0, parts=PARTS, device="a chip"):
    return Checkpoints(CheckpointPlace(folder, seconds), parts, device, "a run")


def saved(folder, *batches):
    """A store in which the states after so many batches were saved, one after the other."""
    made, begun = store(folder), state()
    for number in batches:
        made.save(advance(begun, number - begun.batch))
    return made


def resumed(folder, **changes):
    """The batch from which a new process goes on; None if it begins anew."""
    begun = state()
    return begun.batch if store(folder, **changes).resume(begun) else None


def test_the_newest_state_returns_whole_and_it_is_said(tmp_path, caplog):
    saved(tmp_path, 2, 5)
    begun = state()
    assert store(tmp_path).resume(begun)
    expected = state(5).tensors()
    assert begun.tensors().keys() == expected.keys()
    assert all(torch.equal(v, expected[name]) for name, v in begun.tensors().items())
    said = "\n".join(caplog.messages) + "\n"
    assert re.search(r"^a run: goes on from \S+\.safetensors: epoch 1 of 9, batch 6$", said, re.M)


def test_an_empty_folder_begins_anew_without_a_word(tmp_path, caplog):
    assert resumed(tmp_path / "none") is None
    assert caplog.text == ""


def test_the_newest_and_the_one_before_are_kept_and_no_more(tmp_path):
    made = saved(tmp_path, 1, 2, 3, 4)
    assert {p.name for p in tmp_path.iterdir()} == {made.path.name, made.previous.name}
    assert [read_checkpoint(p, made.key).numbers["batch"] for p in (made.path, made.previous)] == [
        4,
        3,
    ]


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path):
    path.write_bytes(b"")


def byte_changed(at):
    def change(path):
        content = bytearray(path.read_bytes())
        content[int(at * (len(content) - 1))] ^= 0x10
        path.write_bytes(content)

    return change


def renumbered(path):
    """A valid file whose header tells another position."""
    with module.safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["upwind_checkpoint"])
    header["numbers"]["batch"] = 1
    save_file(load_file(path), path, metadata={"upwind_checkpoint": json.dumps(header)})


def foreign(path):
    save_file({"a": torch.zeros(3)}, path)


DAMAGES = [cut, emptied, renumbered, foreign, *map(byte_changed, (0, 0.02, 0.2, 0.5, 0.9, 1))]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_refused_and_the_one_before_is_used(damage, tmp_path, caplog):
    made = saved(tmp_path, 2, 5)
    damage(made.path)
    assert resumed(tmp_path) == 2
    said = caplog.text
    assert f"the checkpoint {made.path} is cut or altered: " in said
    assert "it is not used" in said
    assert f"goes on from {made.previous}" in said


def test_where_both_are_damaged_training_begins_anew(tmp_path, caplog):
    made = saved(tmp_path, 2, 5)
    cut(made.path)
    emptied(made.previous)
    assert resumed(tmp_path) is None
    assert caplog.text.count("cut or altered") == 2


def test_a_damaged_newest_does_not_push_the_good_one_out(tmp_path):
    made = saved(tmp_path, 2, 5)
    cut(made.path)
    again, begun = store(tmp_path), state()
    assert again.resume(begun)
    again.save(advance(begun, 1))
    assert read_checkpoint(again.path, again.key).numbers["batch"] == 3
    assert read_checkpoint(again.previous, again.key).numbers["batch"] == 2
    again.save(advance(begun, 1))
    assert read_checkpoint(again.previous, again.key).numbers["batch"] == 3


def test_every_single_changed_byte_is_noticed(tmp_path):
    made = saved(tmp_path, 1)
    content = made.path.read_bytes()
    for position in range(0, len(content), 37):
        changed = bytearray(content)
        changed[position] ^= 1
        made.path.write_bytes(changed)
        try:
            found = read_checkpoint(made.path, made.key)
        except UpwindError:
            continue
        # Spaces after the header's JSON are no content.
        assert content[position : position + 1] == b" ", position
        assert found.numbers["batch"] == 1


def test_another_runs_checkpoint_is_refused_with_the_reason_and_stays(tmp_path, caplog):
    first = saved(tmp_path, 2, 5)
    other = PARTS | {
        "settings": {"learning_rate": 0.5, "epochs": 9},
        "data": {"training": "b" * 64},
    }
    assert resumed(tmp_path, parts=other) is None
    said = caplog.text
    assert f"a run: the checkpoint {first.path} is not of this run (" in said
    assert "data.training differs; settings.learning_rate was 1.0 and is now 0.5)" in said
    assert "training starts anew" in said
    store(tmp_path, parts=other).save(state(1))
    assert resumed(tmp_path) == 5  # the old settings go on where they were


def test_of_several_others_the_newest_is_named(tmp_path, caplog):
    for seed, age in ((1, 100), (2, 300), (3, 200)):
        made = store(tmp_path, parts=PARTS | {"seed": seed})
        made.save(state(1))
        os.utime(made.path, (10**9 - age, 10**9 - age))
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    assert resumed(tmp_path) is None
    said = caplog.text
    assert "(seed was 1 and is now 0)" in said
    assert said.count("a run:") == 1


def test_a_file_under_a_foreign_name_is_not_trusted(tmp_path, caplog):
    first, second = store(tmp_path), store(tmp_path, parts=PARTS | {"seed": 1})
    first.save(state(3))
    first.path.rename(second.path)
    assert resumed(tmp_path, parts=PARTS | {"seed": 1}) is None
    assert "is of another run than its name says; it is not used" in caplog.text


@pytest.mark.parametrize(
    ("code", "said"), [(errno.ENOSPC, "Free some space"), (errno.EIO, "input/output error")]
)
@pytest.mark.parametrize("where", ["write_bytes", "replace"])
def test_a_disk_that_does_not_take_it_is_said_and_older_ones_stay(
    where, code, said, tmp_path, monkeypatch
):
    made = saved(tmp_path, 2, 5)

    def fail(*_):
        raise OSError(code, os.strerror(code))

    later = state(6)
    with monkeypatch.context() as patch:
        patch.setattr(type(made.path), where, fail)
        with pytest.raises(UpwindError) as error:
            made.save(later)
    assert str(error.value).startswith("a run: its state could not be saved; what was saved")
    assert f"{made.path} was not written" in str(error.value)
    assert said in str(error.value)
    assert len(list(tmp_path.iterdir())) == 2  # nothing half-written
    assert resumed(tmp_path) == 5


def test_it_is_saved_when_the_time_has_come(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    made, begun = store(tmp_path, seconds=60), state()
    for later, batch, expected in ((59, 1, None), (1, 2, 2), (59, 3, 2), (2, 4, 4)):
        now[0] += later
        made.save_if_due(advance(begun, batch - begun.batch))
        found = made.path.exists() and read_checkpoint(made.path, made.key).numbers["batch"]
        assert (found or None) == expected


def test_zero_seconds_are_every_batch(tmp_path):
    made, begun = store(tmp_path, seconds=0), state()
    for batch in (1, 2, 3):
        made.save_if_due(advance(begun, 1))
        assert read_checkpoint(made.path, made.key).numbers["batch"] == batch


def test_going_on_elsewhere_is_said(tmp_path, caplog):
    saved(tmp_path, 2)
    assert resumed(tmp_path, device="another chip") == 2
    said = caplog.text
    assert "began on a chip and goes on on another chip: the last bits" in said


def test_a_folder_that_vanished_meanwhile_is_made_again(tmp_path):
    made = saved(tmp_path / "folder", 1, 2)
    for path in (tmp_path / "folder").iterdir():
        path.unlink()
    (tmp_path / "folder").rmdir()
    made.save(state(3))
    assert resumed(tmp_path / "folder") == 3
