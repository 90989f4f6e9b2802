"""The audit of a finished run of the workflow: it holds, or says what is wrong."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import asdict, replace

import nibabel as nib
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from upwind.audit.checks.integrity import state_here
from upwind.audit.findings import FindingKind, Severity
from upwind.audit.provenance_graph import load
from upwind.audit.whole import audit, raw_cases
from upwind.cli import app
from upwind.provenance.hashing import FileState
from upwind.provenance.records import read_record, write_record

WARNINGS = {FindingKind.uncommitted, FindingKind.commits}


def broken(root, **options):
    result = audit(root / "results/tiny", trusted=root, **options)
    return {(f.kind, f.path) for f in result.of(Severity.broken)}


def reseal(root, path, **fields):
    """Change a record and seal it again."""
    record = read_record(root / path)
    write_record(root / path, replace(record, **fields))


def resealed_for(root, *changed):
    """Let every record say that the changed files are what it read or wrote."""
    states = {path: state_here(root / path) for path in changed}
    for file in (root / "results/tiny/records").rglob("*.json"):
        record = read_record(file)
        sides = {side: getattr(record, side) for side in ("inputs", "outputs")}
        sides = {s: {p: states.get(p, state) for p, state in f.items()} for s, f in sides.items()}
        write_record(file, replace(record, **sides))


def test_a_finished_run_holds_down_to_the_volumes(finished):
    result = audit(finished / "results/tiny", trusted=finished, deep=True)
    assert result.of(Severity.broken) == []
    assert result.of(Severity.unchecked) == []
    assert {finding.kind for finding in result.of(Severity.warning)} <= WARNINGS
    counts = result.checked.counts
    assert counts["records"] == counts["planned_jobs"] + 1  # the report
    # Four columns; two folds, their average and perhaps one without a failed fold.
    assert counts["table1_cells"] in (4 * 3, 4 * 4)
    assert counts["kernels"] == 14_608
    assert (counts["cases"], counts["folded_cases"]) == (2, 2)
    assert counts["scores"] == 14 * counts["score_rows"]


def test_the_command_from_another_folder(finished, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["audit", str(finished / "results/tiny"), "--no-ask"])
    assert result.exit_code == 0, result.output
    assert "holds" in result.output
    assert "does not hold" not in result.output


def test_json_and_exit_code(finished, monkeypatch):
    monkeypatch.chdir(finished)
    (finished / "results/tiny/table1.csv").write_text("fold\n")
    result = CliRunner().invoke(app, ["audit", "results/tiny", "--no-ask", "--json"])
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert (report["schema"], report["holds"], report["deep"]) == (1, False, False)
    first = report["findings"][0]
    assert set(first) == {"severity", "kind", "path", "message", "remedy", "affects"}
    assert (first["severity"], first["kind"]) == ("broken", "changed file")
    assert first["path"] == "results/tiny/table1.csv"
    assert report["counts"]["records"] > 30


def test_what_fails_for_a_changed_volume_is_told_once(finished):
    path = finished / "data/phantom/volume-0.nii.gz"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    result = audit(finished / "results/tiny", ask=False)
    (finding,) = result.of(Severity.broken)
    assert finding.path == "data/phantom/volume-0.nii.gz"
    fallen = {f"results/tiny/{name}" for name in ("table1.csv", "figure2.pdf", "scores.csv")}
    assert fallen < set(finding.affects)


def test_results_that_were_moved_hold_as_far_as_can_be_checked(finished, tmp_path):
    moved = tmp_path / "archive"
    shutil.move(finished / "results/tiny", moved)
    result = audit(moved, deep=True)
    assert result.holds, result.of(Severity.broken)
    unchecked = {finding.kind for finding in result.of(Severity.unchecked)}
    assert unchecked == {
        FindingKind.raw_data,
        FindingKind.workflow,
        FindingKind.number,
        FindingKind.unexplained,
    }


def test_a_setting_in_the_effective_configuration(finished):
    path = finished / "results/tiny/config.yaml"
    config = yaml.safe_load(path.read_text())
    config["lsn"]["steps"] += 1
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    assert broken(finished) == {(FindingKind.changed, "results/tiny/config.yaml")}


def test_a_parameter_that_a_forger_changed_in_a_record(finished):
    path = "results/tiny/records/train/fold=1,network=lsn.json"
    params = read_record(finished / path).params
    reseal(finished, path, params=params | {"network": params["network"] | {"channels": 40}})
    assert broken(finished, ask=False) == set()
    result = audit(finished / "results/tiny", trusted=finished)
    (finding,) = result.of(Severity.broken)
    assert (finding.kind, finding.path) == (FindingKind.parameter, path)
    assert "network.channels was 40 and is 16 now" in finding.message


def test_a_job_that_was_never_run(finished):
    drawn = ("gallery.png", "gallery.pdf")
    for name in ("records/draw_gallery/job.json", "logs/draw_gallery.log", *drawn):
        (finished / "results/tiny" / name).unlink()
    report = "results/tiny/records/report/job.json"
    inputs = read_record(finished / report).inputs
    reseal(finished, report, inputs={p: s for p, s in inputs.items() if "gallery" not in p})
    missing = (FindingKind.missing_record, "results/tiny/records/draw_gallery/job.json")
    assert broken(finished) == {missing}


def test_a_forged_score_is_found_from_the_volumes_alone(finished):
    """Scores, everything made from them and all records agree; only the masks say otherwise."""
    folder = finished / "results/tiny"
    mask = folder / "segmentations/unet/0/unseen/segmentation-0.nii.gz"
    image = nib.load(mask)
    voxels = np.asanyarray(image.dataobj).copy()
    voxels[voxels.shape[0] // 2, voxels.shape[1] // 2] ^= 1
    nib.save(nib.Nifti1Image(voxels, image.affine), mask)
    resealed_for(finished, mask.relative_to(finished).as_posix())
    assert broken(finished, ask=False) == set()
    found = broken(finished, ask=False, deep=True)
    assert found == {(FindingKind.number, "results/tiny/scores.csv")}


def test_a_cell_that_does_not_follow_from_the_scores(finished):
    """The records agree with the forged table; arithmetic does not."""
    path = finished / "results/tiny/table1.csv"
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    rows[1][2] = "0.999"
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    resealed_for(finished, "results/tiny/table1.csv")
    names = {path for kind, path in broken(finished, ask=False) if kind is FindingKind.number}
    assert names == {"results/tiny/table1.csv"}


def test_a_number_that_is_printed_or_drawn(finished):
    """Nobody makes these files again: their hashes find the one digit."""
    names = [f"table1.{ending}" for ending in ("md", "html", "tex")]
    names += ["extended.md", "extended.html", "figure1.svg"]
    for path in (finished / "results/tiny" / name for name in names):
        digit = (r">(\d)", r">0") if path.suffix == ".svg" else (r"0\.\d", "2.7")
        text = path.read_text()
        path.write_text(re.sub(*digit, text, count=1))
        assert path.read_text() != text
    changed = {(FindingKind.changed, f"results/tiny/{name}") for name in names}
    assert broken(finished, ask=False) == changed


def test_a_file_made_stale_by_a_failed_run(finished):
    """Slices were made again, but what rests on them was not: the next job failed."""
    slices = "results/tiny/slices/case-0.safetensors"
    content = bytearray((finished / slices).read_bytes())
    content[-1] ^= 1
    (finished / slices).write_bytes(bytes(content))
    record = "results/tiny/records/slice_case/case=0.json"
    state = state_here(finished / slices)
    reseal(finished, record, outputs={slices: FileState(**asdict(state))})
    result = audit(finished / "results/tiny", ask=False)
    links = [finding for finding in result.of(Severity.broken) if finding.kind is FindingKind.link]
    # Each job that read the slices of then; what these jobs made falls with them.
    readers = {name for name, job in load(result.folder).records.items() if slices in job.inputs}
    assert {finding.path for finding in links} == readers
    assert any("results/tiny/table1.csv" in finding.affects for finding in links)


def test_raw_cases_are_found_by_both_namings(project):
    names = ["volume-3.nii", "segmentation-3.nii", "imagesTr/liver_12.nii.gz"]
    names += ["labelsTr/liver_12.nii.gz", "volume-7.nii", "notes.txt"]
    for name in names:
        project.write(f"raw/{name}", name)
    project.job("check", [f"raw/{name}" for name in names])
    found = raw_cases(load(project.results))
    assert set(found) == {0, 3, 12}
    assert found[12][0].name == "liver_12.nii.gz"
    assert found[12][0].parent.name == "imagesTr"
    assert found[12][1].parent.name == "labelsTr"


def test_nothing_that_lies_beside_the_results_is_executed(finished, tmp_path, monkeypatch):
    """Somebody else's results, unpacked: their Snakefile runs only where the caller stands in that
    folder, or trusts it."""
    ran = tmp_path / "ran"
    for name in ("workflow/Snakefile", "src/upwind/__init__.py", "src/upwind/common/snakemake.py"):
        path = finished / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(f"open({str(ran)!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    result = audit(finished / "results/tiny")
    assert not ran.exists()
    (finding,) = [f for f in result.of(Severity.unchecked) if f.kind is FindingKind.workflow]
    assert "audit in the folder that the workflow ran in, or name" in finding.message
    monkeypatch.chdir(finished)
    audit(finished / "results/tiny")
    assert ran.exists()


def test_somebody_who_may_read_and_not_write(finished):
    """The results of a colleague, in a folder that belongs to them."""
    program = "from upwind.cli import app; app()"
    command = [sys.executable, "-c", program, "audit", "results/tiny"]
    if os.geteuid() == 0:  # whom no permission stops
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not here, which takes root's rights away")
        rights = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", *command]
    paths = [finished, *finished.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        with pytest.raises(OSError, match="Permission denied") if os.geteuid() else nullcontext():
            (finished / "new").touch()
        done = subprocess.run(command, cwd=finished, capture_output=True, text=True, check=False)
    finally:
        for path in paths:
            path.chmod(path.stat().st_mode | 0o200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing left to do" in done.stdout
    assert "Not checked" not in done.stdout


def test_a_folder_without_any_record(tmp_path):
    (tmp_path / "results/x").mkdir(parents=True)
    result = audit(tmp_path / "results/x", trusted=tmp_path)
    assert [finding.kind for finding in result.of(Severity.broken)] == [FindingKind.missing_record]


@pytest.mark.parametrize("arguments", [["nowhere"], []])
def test_nothing_to_audit(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["audit", *arguments]).exit_code != 0


def test_a_configuration_that_the_workflow_refuses(project):
    """It says that the data are the phantom's; that folder holds others."""
    result = audit(project.results, trusted=project.root)
    (finding,) = [f for f in result.of(Severity.unchecked) if f.kind is FindingKind.workflow]
    assert finding.path == "results/x/config.yaml"
    assert "refuses to plan with this configuration" in finding.message
    assert "volumes that the phantom did not make" in finding.message
