"""A crate of a finished run: valid for the profile's own validator, and audited elsewhere.

The validator's contexts come from here, not from the web: the terms that crates use, with what
RO-Crate 1.1 and the workflow run terms mean by them. Another term would be found invalid.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from upwind.audit.crate.audited import audit_crate
from upwind.audit.crate.write import write_crate
from upwind.audit.findings import FindingKind, Severity
from upwind.cli import app

REPOSITORY = Path(__file__).resolve().parents[3]
HOME = "results/tiny"
PROFILE = "provenance-run-crate-0.5"
TERMS = """
about actionStatus alternateName contentSize ComputerLanguage ControlAction CreateAction
CreativeWork Dataset datePublished description encodingFormat endTime error hasPart HowTo HowToStep
identifier instrument license mainEntity mentions name object OrganizeAction position
programmingLanguage PropertyValue result softwareRequirements softwareVersion SoftwareApplication
SoftwareSourceCode startTime step subjectOf url value version workExample
"""
CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context": {
        **{term: f"http://schema.org/{term}" for term in TERMS.split()},
        "File": "http://schema.org/MediaObject",
        "conformsTo": "http://purl.org/dc/terms/conformsTo",
        "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    },
    "https://w3id.org/ro/terms/workflow-run/context": {
        "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
    },
}
# Fills the validator's cache, with the validator's own libraries.
FILL = """
import io, json, sys
from requests.adapters import BaseAdapter, HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

class Documents(BaseAdapter):
    def send(self, request, **options):
        body = io.BytesIO(json.dumps({"@context": contexts[request.url]}).encode())
        headers = {"Content-Type": "application/ld+json"}
        raw = HTTPResponse(body, headers=headers, status=200, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def close(self):
        pass

contexts = json.loads(sys.argv[2])
with CachedSession(sys.argv[1], backend="sqlite", expire_after=-1) as session:
    session.mount("https://", Documents())
    for address in contexts:
        session.get(address).raise_for_status()
"""


@pytest.fixture(scope="module")
def validator():
    """The validator's environment, beside that of the tests; made by the first test that needs
    it."""
    folder = Path(sys.prefix) / "validator"
    pins = REPOSITORY / "envs/requirements-validator.txt"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists() or (folder / "done").read_text() != pins.read_text():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "-r", pins]
            done = subprocess.run(pip, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"the validator cannot be installed: {done.stderr[-300:]}")
            (folder / "done").write_text(pins.read_text())
    return folder / "bin"


@pytest.fixture(scope="module")
def crate(finished_once, tmp_path_factory):
    """A crate of the finished run."""
    path = tmp_path_factory.mktemp("crate") / "tiny.zip"
    return write_crate(finished_once / HOME, path)


@pytest.fixture
def validated(validator, tmp_path):
    """The validator's exit code and report on a crate, without the web."""
    cache = tmp_path / "cache"
    arguments = [cache, json.dumps(CONTEXTS)]
    subprocess.run([validator / "python", "-c", FILL, *arguments], check=True)

    def validate(path):
        report = tmp_path / "report.txt"
        command = [validator / "rocrate-validator", "-y", "validate", "--offline", "--no-paging"]
        command += ["--cache-path", cache, "-p", PROFILE, "-l", "required", "-v", "-o", report]
        # Its text report lets a machine know no more than its exit code; JSON it cannot write of a
        # zip file.
        done = subprocess.run([*command, path], capture_output=True, text=True, check=False)
        return done.returncode, report.read_text() if report.exists() else done.stderr

    return validate


def changed(crate, folder, **files):
    """A copy of a crate with other content of some files; None takes one away."""
    path = folder / "changed.zip"
    with zipfile.ZipFile(crate.path) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = files.get(name, source.read(name))
            if content is not None:
                target.writestr(name, content)
    return path


def entities(crate):
    with zipfile.ZipFile(crate.path) as archive:
        return json.loads(archive.read("ro-crate-metadata.json"))


def test_the_validator_accepts_it(validated, crate):
    code, report = validated(crate.path)
    assert code == 0, report
    assert f"RO-Crate is a valid {PROFILE}" in report


def test_the_validator_is_not_content_with_everything(validated, crate, tmp_path):
    document = entities(crate)
    (step,) = [item for item in document["@graph"] if item["@id"] == "#step/train"]
    del step["workExample"]
    text = json.dumps(document)
    code, report = validated(changed(crate, tmp_path, **{"ro-crate-metadata.json": text}))
    assert code == 1
    assert "HowToStep" in report


def test_it_has_what_a_reader_wants_and_no_volumes(crate):
    with zipfile.ZipFile(crate.path) as archive:
        names = set(archive.namelist())
    top = ("table1.csv", "scores.csv", "figure1.svg", "figure2.pdf", "config.yaml", "report.html")
    assert {f"{HOME}/{name}" for name in top} <= names
    weights = {f"{HOME}/networks/unet/{fold}/weights.safetensors" for fold in ("0", "1", "all")}
    assert weights <= names
    code = {"workflow/Snakefile", "envs/requirements.txt", "src/upwind/training/loss.py"}
    assert code | {"workflow/scripts/train.py", "config/config.yaml"} <= names
    assert not [name for name in names if ".nii" in name or "/slices/" in name]
    assert crate.described >= 2 * 2 + 2  # volumes and labels, slices
    assert crate.path.stat().st_size < 25e6  # much of it the moments of every kernel


def test_it_is_audited_without_the_run(crate, tmp_path):
    elsewhere = Path(shutil.copy(crate.path, tmp_path / "elsewhere.zip"))
    audited = audit_crate(elsewhere)
    assert audited.of(Severity.broken) == []
    counts = audited.checked.counts
    assert counts["table1_cells"] >= 12
    assert counts["kernels"] == 14_608
    assert counts["crate_files"] == crate.files
    apart = {(finding.kind, finding.path) for finding in audited.of(Severity.unchecked)}
    assert apart == {
        (FindingKind.raw_data, "data/phantom"),
        (FindingKind.raw_data, f"{HOME}/segmentations"),
        (FindingKind.raw_data, f"{HOME}/slices"),
        (FindingKind.workflow, f"{HOME}/config.yaml"),
    }


@pytest.mark.parametrize(
    "name",
    [
        f"{HOME}/table1.csv",
        f"{HOME}/scores.csv",
        f"{HOME}/networks/lsn/0/weights.safetensors",
        f"{HOME}/records/tabulate/job.json",
        "src/upwind/training/loss.py",
        "workflow/scripts/train.py",
        "workflow/Snakefile",
    ],
)
def test_a_changed_byte_is_named(crate, tmp_path, name):
    with zipfile.ZipFile(crate.path) as archive:
        content = bytearray(archive.read(name))
    content[len(content) // 2] ^= 1
    audited = audit_crate(changed(crate, tmp_path, **{name: bytes(content)}))
    assert name in {finding.path for finding in audited.of(Severity.broken)}


def test_a_number_that_was_changed_everywhere_but_in_the_scores_is_found(crate, tmp_path):
    """Table, its record and the description agree on a better number; the scores do not."""
    import hashlib

    from upwind.provenance.records import _layout

    table, record = f"{HOME}/table1.csv", f"{HOME}/records/tabulate/job.json"
    with zipfile.ZipFile(crate.path) as archive:
        text = archive.read(table).decode()
        content = json.loads(archive.read(record))
    line = text.splitlines()[1]
    better = text.replace(line, ",".join([*line.split(",")[:2], "0.99", *line.split(",")[3:]]))
    digest = hashlib.sha256(better.encode()).hexdigest()
    del content["seal"]
    former = content["outputs"][table]["sha256"]
    content["outputs"][table] |= {"sha256": digest, "bytes": len(better)}
    sealed = _layout(content)
    document = entities(crate)
    for item in document["@graph"]:
        if item.get("sha256") == former:
            item |= {"sha256": digest, "contentSize": str(len(better))}
        if item["@id"] == record:
            recorded = hashlib.sha256(sealed.encode()).hexdigest()
            item |= {"sha256": recorded, "contentSize": str(len(sealed))}
    path = changed(
        crate,
        tmp_path,
        **{table: better, record: sealed, "ro-crate-metadata.json": json.dumps(document)},
    )
    found = audit_crate(path).of(Severity.broken)
    assert (FindingKind.number, table) in {(finding.kind, finding.path) for finding in found}


def test_from_the_command_line(finished, tmp_path):
    def upwind(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    out = tmp_path / "crate.zip"
    written = upwind("crate", finished / HOME, "-o", out)
    assert written.exit_code == 0, written.output
    assert "SHA-256" in written.stdout
    again = upwind("crate", finished / HOME, "-o", out)
    assert again.exit_code == 1
    assert "exists already" in again.stderr
    audited = upwind("audit", out, "--json")
    assert audited.exit_code == 0, audited.output
    assert json.loads(audited.stdout)["holds"]
    (finished / HOME / "scores.csv").write_text("method\n")
    forced = upwind("crate", finished / HOME, "-o", out, "--overwrite", "--force")
    assert forced.exit_code == 0
    assert "broken links in it" in forced.stderr


def test_a_trace_of_the_finished_run(finished, tmp_path):
    def upwind(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    table = finished / HOME / "table1.csv"
    traced = upwind("trace", table, "--cell", "unet,0")
    assert traced.exit_code == 0, traced.output
    for text in ("train (unet, fold 0)", "seed 0", "make_phantom × 2 (cases 0, 1)", "down to"):
        assert text in traced.stdout
    assert "fold 1" not in traced.stdout
    assert len(traced.stdout.splitlines()) < 150
    page = tmp_path / "trace.html"
    content = upwind("trace", table, "--cell", "lsn_test,avg", "--json", "--html", page)
    assert content.exit_code == 0
    assert json.loads(content.stdout)["complete"]
    assert "<svg" in page.read_text()
    wrong = upwind("trace", table, "--cell", "unet,7")
    assert wrong.exit_code == 1
    assert "row of 0, 1, avg" in wrong.stderr
    table.write_text(table.read_text().replace("0", "1", 1))
    broken = upwind("trace", table)
    assert broken.exit_code == 1
    assert "was changed after tabulate" in broken.stdout


def test_no_path_of_this_machine_is_published(crate, finished_once):
    """Hosts and processors are part of the provenance; folders of users are not."""
    with zipfile.ZipFile(crate.path) as archive:
        for name in ("ro-crate-metadata.json", "audit.json"):
            assert str(finished_once) not in archive.read(name).decode()
