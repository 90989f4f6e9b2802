"""Records on disk: exact round trip, and nothing altered passes."""

import json
import random
from dataclasses import replace

import pytest

from upwind.common.errors import UpwindError
from upwind.provenance.hashing import FileState
from upwind.provenance.records import Record, read_record, read_records, record_path, write_record

RECORD = Record(
    rule="train",
    wildcards={"network": "unet", "fold": "0"},
    inputs={"results/x/slices/case-1.safetensors": FileState("ab" * 32, 12, 34)},
    outputs={"results/x/networks/unet/0/weights.safetensors": FileState("cd" * 32, 56, 78)},
    logs={},
    declared=["results/x/networks/unet/0/weights.safetensors"],
    order_only=[],
    params={"seed": 0, "window": [-100, 400], "network": {"epochs": 40}, "learning_rate": 1e-7},
    code={"train.py": "ef" * 32},
    packages={"torch": "2.13.0"},
    git={"commit": "12" * 20, "dirty": False},
    machine={"host": "node7", "cores": 8},
)


@pytest.fixture
def path(tmp_path):
    path = record_path(tmp_path, RECORD.rule, RECORD.wildcards)
    write_record(path, RECORD)
    return path


def test_path_names_the_job(tmp_path, path):
    assert path == tmp_path / "records/train/fold=0,network=unet.json"
    assert record_path(tmp_path, "tabulate", {}) == tmp_path / "records/tabulate/job.json"


def test_round_trip(path):
    assert read_record(path) == RECORD


def test_a_wildcard_may_stand_for_nothing(tmp_path):
    record = replace(RECORD, rule="train_variant", wildcards={"fold": "0", "updates": ""})
    path = record_path(tmp_path, record.rule, record.wildcards)
    write_record(path, record)
    assert read_record(path) == record


def test_no_byte_can_be_changed(path):
    original = path.read_bytes()
    draw = random.Random(0)
    for _ in range(300):
        changed = bytearray(original)
        place = draw.randrange(len(changed))
        changed[place] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(UpwindError, match=r"fold=0,network=unet\.json is not an intact record"):
            read_record(path)


@pytest.mark.parametrize("change", [lambda text: text + "\n", lambda text: text[:-40]])
def test_neither_more_nor_less(path, change):
    path.write_text(change(path.read_text()))
    with pytest.raises(UpwindError, match="not an intact record"):
        read_record(path)


def test_a_field_changed_and_laid_out_anew(path):
    content = json.loads(path.read_text())
    content["params"]["seed"] = 1
    path.write_text(json.dumps(content, indent=1) + "\n")
    with pytest.raises(UpwindError, match="does not match its seal"):
        read_record(path)


def test_the_record_of_another_job(path):
    other = path.with_name("fold=1,network=unet.json")
    path.rename(other)
    with pytest.raises(
        UpwindError, match="it is the record of another job: train fold=0,network=unet"
    ):
        read_record(other)


def test_reading_a_folder_goes_on_after_a_damaged_one(tmp_path, path):
    damaged = record_path(tmp_path, "tabulate", {})
    damaged.parent.mkdir()
    damaged.write_text("{")
    found = dict(read_records(tmp_path))
    assert isinstance(found[damaged], UpwindError)
    assert found[path] == RECORD
