"""Runs in folders and crates, and what is neither."""

import json
import shutil
import zipfile
from dataclasses import asdict

import pytest

from upwind.common.errors import UpwindError
from upwind.provenance.hashing import sha256_of_text
from upwind.reproduction.comparison import Verdict, compare
from upwind.reproduction.reading import opened

METADATA = "ro-crate-metadata.json"


@pytest.fixture
def crate(runs, tmp_path):
    """The second run as a crate that leaves the slices out, not audited."""
    path = tmp_path / "crate.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(METADATA, "{}")
        for file in sorted(runs[1].results.rglob("*")):
            name = file.relative_to(runs[1].root).as_posix()
            if file.is_file() and "/slices/" not in name:
                archive.write(file, name)
    return path


def verdict(one, other):
    with opened(one) as first, opened(other) as second:
        return compare(first, second).verdict


def test_a_crate_beside_a_folder(runs, crate):
    assert verdict(runs[0].results, crate) is Verdict.identical
    runs[0].write("table1.csv", "fold,unet\n0,0.9\n")
    assert verdict(runs[0].results, crate) is Verdict.different


def test_an_unpacked_crate_beside_itself(crate, tmp_path):
    with zipfile.ZipFile(crate) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert verdict(tmp_path / "unpacked", crate) is Verdict.identical
    shutil.copytree(tmp_path / "unpacked/results/x", tmp_path / "unpacked/results/y")
    with pytest.raises(UpwindError, match="does not hold one experiment"):
        verdict(tmp_path / "unpacked", crate)


def test_runs_of_other_names_in_other_places(runs, tmp_path):
    def moved(value):
        text = json.dumps(value).replace("results/x", "results/y")
        return json.loads(text.replace("data/made", "data/elsewhere"))

    shutil.copytree(runs[1].results, tmp_path / "other/results/y")
    shutil.copytree(runs[1].root / "data/made", tmp_path / "other/data/elsewhere")
    for path in (tmp_path / "other").rglob("records/*/*.json"):
        content = moved(json.loads(path.read_text()))
        content.pop("seal")
        body = json.dumps(content, sort_keys=True, indent=1)
        path.write_text(f'{body[:-2]},\n "seal": "{sha256_of_text(body)}"\n}}\n')
    with opened(runs[0].results) as one, opened(tmp_path / "other/results/y") as other:
        found = compare(one, other)
        assert found.verdict is Verdict.identical
        assert found.between == {}
        assert other.name("data/elsewhere/volume-0.nii") == "data:volume-0.nii"
        assert other.record_of("data:volume-0.nii").rule == "make_phantom"


@pytest.mark.parametrize("what", ["nothing", "empty folder", "file", "zip without a run"])
def test_what_is_no_run(runs, tmp_path, what):
    path = tmp_path / "what"
    if what == "empty folder":
        path.mkdir()
    elif what == "file":
        path.write_text("a file")
    elif what == "zip without a run":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("results/readme.txt", "none")
    with pytest.raises(UpwindError, match="what"):
        verdict(runs[0].results, path)


@pytest.mark.parametrize("name", ["../out.csv", "/out.csv", "results/x/../../../out.csv"])
def test_a_crate_that_leads_out_is_refused(runs, crate, tmp_path, name):
    with zipfile.ZipFile(crate, "a") as archive:
        archive.writestr(name, "x")
    with pytest.raises(UpwindError, match="is not unpacked"):
        verdict(runs[0].results, crate)
    assert not (tmp_path / "out.csv").exists()


def test_a_record_that_names_a_file_elsewhere_does_not_lead_there(runs, tmp_path):
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    path = f"{runs[1].home}/../../../secret.csv"

    def and_elsewhere(outputs):
        return {**outputs, path: next(iter(outputs.values()))}

    runs[1].edit("tabulate/job", outputs=and_elsewhere)
    with opened(runs[0].results) as one, opened(runs[1].results) as other:
        found = compare(one, other)
    (file,) = found.unlike
    assert file.path == "../../../secret.csv"
    assert file.difference is None


@pytest.mark.parametrize("fields", [{"machine": []}, {"code": {"upwind": 1}}, {"git": [1]}])
def test_a_sealed_record_of_other_types_is_not_intact(runs, fields):
    (path,) = runs[1].records("tabulate/job")
    content = json.loads(path.read_text())
    content.pop("seal")
    body = json.dumps(content | fields, sort_keys=True, indent=1)
    path.write_text(f'{body[:-2]},\n "seal": "{sha256_of_text(body)}"\n}}\n')
    with opened(runs[1].results) as other:
        assert other.run.damaged.keys() == {"results/x/records/tabulate/job.json"}


@pytest.mark.parametrize(
    "params",
    [
        {"config": {"dataset": 5}},
        {"config": 5},
        {"config": {}, "results": {"files": [], "folders": [], "targets": {"atlas": 5}}},
        {"config": {}, "results": []},
    ],
)
def test_odd_parameters_are_no_error(runs, params):
    runs[1].edit("write_config/job", params=params)
    assert verdict(runs[0].results, runs[1].results) is Verdict.identical


def test_a_record_that_is_not_intact_is_left_out(runs):
    (path,) = runs[1].records("tabulate/job")
    path.write_text(path.read_text().replace("ok", "OK"))
    with opened(runs[0].results) as one, opened(runs[1].results) as other:
        assert other.run.damaged.keys() == {"results/x/records/tabulate/job.json"}
        assert compare(one, other).verdict is Verdict.identical


def test_records_are_not_changed_by_reading_them(runs):
    with opened(runs[0].results) as one:
        name = f"{runs[0].home}/{runs[0].records('train/*')[0].relative_to(runs[0].results)}"
        assert asdict(one.run.records[name])["params"]["network"] == {"epochs": 3}
