"""Crates of a hand-made experiment: what goes in, how it is described, and what is refused."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from crates import read
from upwind.audit.checks.checkout import Checkout
from upwind.audit.crate import write
from upwind.audit.crate.labels import AUDIT, METADATA
from upwind.audit.crate.write import write_crate
from upwind.audit.findings import Checked, FindingKind, broken
from upwind.audit.whole import Audit
from upwind.common.errors import UpwindError

HOME = "results/x"
CODE = {
    "workflow/Snakefile": "include: 'rules/all.smk'\n",
    "LICENSE": "MIT\n",
    "README.md": "# upwind\n",
    "workflow/rules/all.smk": "rule all:\n",
    "workflow/scripts/train.py": "train()\n",
    "src/upwind/__init__.py": "",
    "src/upwind/__pycache__/x.pyc": "compiled",
    "src/upwind.egg-info/PKG-INFO": "installed",
    "config/config.yaml": "experiment: x\n",
    "config/.hidden": "",
    "envs/requirements.txt": "rocrate==0.16.0\n",
    "data/lits/volume-0.nii": "a patient",
    "tests/test_x.py": "",
}


@pytest.fixture
def found():
    """What the audit finds; a test may add to it."""
    return []


@pytest.fixture
def published(experiment, tmp_path, monkeypatch, found):
    """Write a crate of the hand-made experiment, whose numbers an audit would not believe."""
    repository = tmp_path / "repository"
    for path, text in CODE.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text)
    checkout = Checkout(repository / "src/upwind", repository)
    monkeypatch.setattr(write, "find_checkout", lambda root: checkout)
    monkeypatch.setattr(
        write, "audit", lambda folder: Audit(Path(folder), Checked(tuple(found)), False, 1.0)
    )

    def publish(name="crate.zip", **options):
        return write_crate(experiment.results, tmp_path / name, **options)

    return publish


def names(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def entities(path):
    with zipfile.ZipFile(path) as archive:
        return {entity["@id"]: entity for entity in json.loads(archive.read(METADATA))["@graph"]}


def test_results_records_and_the_workflow_go_in_and_patients_data_do_not(published, experiment):
    inside = set(names(published().path))
    expected = {
        METADATA,
        AUDIT,
        "workflow/Snakefile",
        "LICENSE",
        "README.md",
        "envs/requirements.txt",
    }
    expected |= {"workflow/rules/all.smk", "workflow/scripts/train.py", "src/upwind/__init__.py"}
    expected |= {"config/config.yaml"}
    for file in experiment.root.rglob("*"):
        path = file.relative_to(experiment.root).as_posix()
        left_out = path.endswith(".nii") or "/slices/" in path
        if file.is_file() and path.startswith(("results", "data/made")) and not left_out:
            expected.add(path)
    assert inside == expected
    assert f"{HOME}/networks/unet/0/weights.st" in inside
    assert "data/made/records/make_phantom/case=0.json" in inside


def test_every_file_is_described_with_its_hash_and_size(published):
    path = published().path
    described = entities(path)
    with zipfile.ZipFile(path) as archive:
        for name in set(archive.namelist()) - {METADATA}:
            content = archive.read(name)
            entity = described[name.replace("=", "%3D").replace(",", "%2C")]
            assert entity["sha256"] == hashlib.sha256(content).hexdigest()
            assert entity["contentSize"] == str(len(content))


def test_what_stays_outside_is_described_as_it_was_recorded(published, experiment):
    described = entities(published().path)
    outside = [f"data/made/{kind}-{case}.nii" for kind in ("volume", "label") for case in range(4)]
    outside += [f"{HOME}/slices/case-{case}.st" for case in range(4)]
    outside += [
        f"{HOME}/segmentations/{method}/{fold}/segmentation-{2 * fold + n}.nii"
        for method in ("unet", "lsn")
        for fold in (0, 1)
        for n in (0, 1)
    ]
    assert {name for name, e in described.items() if e["@type"] == "File" and name[0] == "#"} == {
        f"#{path}" for path in outside
    }
    for path in outside:
        entity = described[f"#{path}"]
        assert entity["sha256"] == experiment.state(path).sha256
        assert entity["alternateName"] == path
    assert {f"#{path}" for path in outside} <= {m["@id"] for m in described["./"]["mentions"]}


def test_each_job_is_an_action_of_its_script_from_its_inputs_to_its_outputs(published):
    described = entities(published().path)
    action = described["#job/train/fold%3D0%2Cnetwork%3Dunet"]
    assert action["@type"] == "CreateAction"
    assert action["instrument"] == {"@id": "workflow/scripts/train.py"}
    weights = [{"@id": f"{HOME}/networks/unet/0/weights.st"}]
    assert action["result"] == weights
    read = {item["@id"] for item in action["object"]}
    assert {f"#{HOME}/slices/case-2.st", f"#{HOME}/slices/case-3.st"} <= read
    values = {
        described[name]["name"]: described[name]["value"] for name in read if "parameter" in name
    }
    assert values == {"seed": "0", "network": '{"epochs": 2}'}
    assert action["startTime"] == "2026-01-01T00:00:00+00:00"
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    record = f"{HOME}/records/train/fold%3D0%2Cnetwork%3Dunet.json"
    assert action["subjectOf"] == [{"@id": record}]
    control = described["#control/train/fold%3D0%2Cnetwork%3Dunet"]
    assert control["instrument"] == {"@id": "#step/train"}
    assert control["object"] == {"@id": action["@id"]}
    jobs = [e for name, e in described.items() if name.startswith("#job/")]
    assert len(jobs) == 4 + 4 + 1 + 3 * 4 + 6
    tool = described["workflow/scripts/train.py"]
    assert tool["softwareRequirements"] == [{"@id": "#package/numpy/2.4.6"}]


def test_the_run_leads_from_configuration_to_results(published):
    described = entities(published().path)
    run = described["#run"]
    assert run["instrument"] == {"@id": "workflow/Snakefile"}
    assert run["object"] == [{"@id": f"{HOME}/config.yaml"}]  # the volumes were made by jobs
    results = {item["@id"] for item in run["result"]}
    assert {f"{HOME}/table1.csv", f"{HOME}/networks/lsn/1/weights.st"} <= results
    workflow = described["workflow/Snakefile"]
    assert {"ComputationalWorkflow", "HowTo"} <= set(workflow["@type"])
    steps = [described[step["@id"]] for step in workflow["step"]]
    assert [int(step["position"]) for step in steps] == list(range(len(steps)))


def test_a_failed_job_is_said_to_have_failed(published, experiment, found):
    experiment.job("draw", (), {f"{HOME}/scores.png": "x"}, status="failed: OSError")
    found.append(broken(FindingKind.failed_job, HOME, "the job draw failed", "run again"))
    described = entities(published(force=True).path)
    action = described["#job/draw"]
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "failed: OSError"
    assert described["#run"]["actionStatus"] == "http://schema.org/FailedActionStatus"


def test_the_same_run_gives_the_same_bytes(published):
    one, other = published("one.zip"), published("other.zip")
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.sha256 == hashlib.sha256(one.path.read_bytes()).hexdigest()
    with zipfile.ZipFile(one.path) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o644}


def test_any_reader_of_crates_can_read_it(published):
    crate = ROCrate(str(published().path))
    assert crate.mainEntity.id == "workflow/Snakefile"
    assert crate.name == "upwind: x"
    profiles = {profile.id for profile in crate.root_dataset["conformsTo"]}
    assert "https://w3id.org/ro/wfrun/provenance/0.5" in profiles
    assert crate.license.id == "LICENSE"
    assert crate.root_dataset["datePublished"] == "2026-01-01T00:00:01+00:00"


def test_what_the_audit_refuses_is_not_published(published, tmp_path, found):
    found += [
        broken(
            FindingKind.changed,
            f"{HOME}/f{n}.csv",
            "its content is not the recorded one",
            "restore",
        )
        for n in range(7)
    ]
    with pytest.raises(UpwindError) as error:
        published()
    assert f"{HOME}/f0.csv: its content is not the recorded one" in str(error.value)
    assert "and 2 more" in str(error.value)
    assert not (tmp_path / "crate.zip").exists()


def test_what_is_published_in_spite_of_the_audit_says_so(published, found):
    found.append(
        broken(FindingKind.changed, f"{HOME}/table1.csv", "its content is another", "restore")
    )
    written = published(force=True)
    assert written.broken == tuple(found)
    assert "NOT SOUND: the audit found 1 broken" in entities(written.path)["./"]["description"]
    with zipfile.ZipFile(written.path) as archive:
        said = json.loads(archive.read(AUDIT))
    assert not said["holds"]
    assert said["findings"][0]["path"] == f"{HOME}/table1.csv"


def test_results_that_changed_since_the_audit_are_not_published(published, experiment, tmp_path):
    (experiment.results / "scores.csv").write_text("other scores")
    with pytest.raises(UpwindError, match=r"scores\.csv changed while the crate was written"):
        published()
    assert not list(tmp_path.glob("*.zip"))
    assert not list(tmp_path.glob(".partial*"))


def test_files_that_change_while_they_are_packed_are_noticed(published, experiment, monkeypatch):
    text = write.metadata_text

    def meanwhile(*arguments):
        (experiment.results / "scores.csv").write_text("other scores")
        return text(*arguments)

    monkeypatch.setattr(write, "metadata_text", meanwhile)
    with pytest.raises(UpwindError, match=r"scores\.csv changed while the crate was written"):
        published()


def test_another_licence(published):
    address = "https://creativecommons.org/licenses/by/4.0/"
    described = entities(published(licence=address).path)
    assert described["./"]["license"] == {"@id": address}
    assert described[address]["@type"] == "CreativeWork"


def test_without_a_licence_or_a_workflow_nothing_is_published(published, tmp_path, monkeypatch):
    (tmp_path / "repository/LICENSE").unlink()
    with pytest.raises(UpwindError, match="--licence"):
        published()
    (tmp_path / "repository/workflow/Snakefile").unlink()
    with pytest.raises(UpwindError, match="no workflow/Snakefile"):
        published()
    monkeypatch.setattr(write, "find_checkout", lambda root: Checkout(tmp_path, None))
    with pytest.raises(UpwindError, match="run this in a checkout"):
        published()


def test_a_crate_is_a_zip_file_and_never_one_of_the_results(published, experiment):
    with pytest.raises(UpwindError, match=r"name it \.zip"):
        published("crate.tar")
    inside = experiment.results / "old.zip"
    inside.write_bytes(b"results")
    with pytest.raises(UpwindError, match="name another"):
        write_crate(experiment.results, inside)
    assert inside.read_bytes() == b"results"


def test_what_lies_behind_a_link_goes_in_only_as_its_job_wrote_it(published, experiment, tmp_path):
    """A folder may have been moved to a larger disk; a link may lead to any file of a machine."""
    folder, moved = experiment.results / "scores", tmp_path / "moved"
    folder.rename(moved)
    folder.symlink_to(moved)
    secret = tmp_path / "secret"
    secret.write_text("a password")
    table = experiment.results / "table1.csv"
    table.unlink()
    table.symlink_to(secret)
    (experiment.results / "more.csv").symlink_to(secret)
    inside = read(published(force=True).path)
    assert f"{HOME}/scores/unet-0.csv" in inside
    assert b"a password" not in b"".join(inside.values())
