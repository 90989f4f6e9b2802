"""Which results of earlier runs are made again."""

import os
from pathlib import Path

import pytest

from upwind.common.files import write_text
from upwind.provenance.recorder import Job, recorded
from upwind.provenance.records import record_path, records_below
from upwind.provenance.staleness import untrusted

RAW, SLICES, FOLDS, WEIGHTS = (
    "data/volume-0.nii",
    "results/x/slices/case-0.safetensors",
    "results/x/folds.csv",
    "results/x/networks/unet/0",
)


def make(rule, inputs, output, text, order_only=(), failing=False):
    job = Job(
        folder="results/x",
        rule=rule,
        wildcards={},
        inputs=inputs,
        outputs=[output],
        logs=[],
        params={},
        script=None,
        checkout=".",
        order_only=order_only,
    )
    with recorded(job):
        write_text(output if "." in output else f"{output}/weights.safetensors", text)
        if failing:
            raise RuntimeError


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Raw volume -> slices -> weights (a folder); weights wait for folds, whatever they say."""
    monkeypatch.chdir(tmp_path)
    write_text(RAW, "raw")
    make("slice", [RAW], SLICES, "slices")
    make("fold", [], FOLDS, "folds")
    make("train", [SLICES, FOLDS], WEIGHTS, "weights", order_only=[FOLDS])
    return Path("results/x")


def found_in(folder):
    return untrusted([folder], records_below([folder]))


def test_all_is_well(results):
    assert found_in(results) == {}


def test_no_results_yet(tmp_path):
    assert found_in(tmp_path / "none") == {}


def test_an_edited_file_and_what_was_made_from_it(results):
    Path(SLICES).write_text("edited")
    found = found_in(results)
    assert set(found) == {SLICES}
    assert "changed after its job had written it" in found[SLICES]


def test_an_edited_file_in_a_folder_is_its_folders(results):
    Path(f"{WEIGHTS}/weights.safetensors").write_text("edited")
    assert set(found_in(results)) == {WEIGHTS}


def test_raw_data_restored_to_another_and_older_version(results):
    date = Path(RAW).stat().st_mtime_ns
    Path(RAW).write_text("other")
    os.utime(RAW, ns=(date - 10**12,) * 2)
    found = found_in(results)
    assert set(found) == {SLICES}
    assert found[SLICES] == f"it was made from another {RAW} than is there now"


def test_raw_data_that_are_gone_are_no_reason(results):
    Path(RAW).unlink()
    assert found_in(results) == {}


def test_an_intermediate_made_anew_from_which_nothing_followed(results):
    make("slice", [RAW], SLICES, "other slices")
    assert set(found_in(results)) == {WEIGHTS}


def test_an_intermediate_made_anew_with_the_same_content(results):
    make("slice", [RAW], SLICES, "slices")
    assert found_in(results) == {}


def test_order_only_inputs_may_change(results):
    make("fold", [], FOLDS, "other folds")
    assert found_in(results) == {}


def test_a_failed_job(results):
    with pytest.raises(RuntimeError):
        make("train", [SLICES, FOLDS], WEIGHTS, "half", order_only=[FOLDS], failing=True)
    assert found_in(results) == {WEIGHTS: "its job failed: RuntimeError"}


def test_a_file_without_a_record(results):
    record_path(results, "slice", {}).unlink()
    found = found_in(results)
    assert found[SLICES] == f"no record says how {SLICES} was made"
    assert WEIGHTS not in found


def test_a_damaged_record_vouches_for_nothing(results):
    path = record_path(results, "slice", {})
    path.write_text(path.read_text().replace("slice", "slyce", 1))
    assert SLICES in found_in(results)


def test_a_missing_output_is_for_snakemake_to_see(results):
    Path(SLICES).unlink()
    assert found_in(results) == {}


def test_logs_and_records_are_no_results(results):
    write_text("results/x/logs/train.log", "text")
    assert found_in(results) == {}
