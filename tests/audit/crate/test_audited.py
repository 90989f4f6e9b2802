"""The audit of a crate: its description against its files and records, and what it cannot check."""

import json
import platform
import stat
import zipfile
from pathlib import Path

import pytest

from crates import read, rewrite, small_repository
from upwind.audit.crate import audited, write
from upwind.audit.crate.audited import audit_crate
from upwind.audit.crate.labels import AUDIT, METADATA
from upwind.audit.findings import Checked, FindingKind, Severity, broken, unchecked
from upwind.audit.whole import Audit
from upwind.common.errors import UpwindError

HOME = "results/x"
TABLE = f"{HOME}/table1.csv"
JOB = "#job/train/fold%3D0%2Cnetwork%3Dunet"


@pytest.fixture
def inside():
    """What the audit of the unpacked results finds; a test may add to it."""
    return []


@pytest.fixture
def crate(experiment, tmp_path, monkeypatch, inside):
    """A crate of the hand-made experiment. Its numbers, which nothing could make again, are not
    audited, and its description is taken for one that this version wrote."""
    checkout = small_repository(tmp_path / "repository")
    monkeypatch.setattr(write, "find_checkout", lambda root: checkout)

    def audit(folder, **options):
        return Audit(Path(folder), Checked(tuple(inside), {"records": 26}), False, 1.0)

    for module in (write, audited):
        monkeypatch.setattr(module, "audit", audit)
    monkeypatch.setattr(audited, "_other_writer", lambda root: "")
    return write.write_crate(experiment.results, tmp_path / "crate.zip").path


def edit_description(path, edit):
    """Change the entities of a crate's description, by id."""
    document = json.loads(read(path)[METADATA])
    graph = {entity["@id"]: entity for entity in document["@graph"]}
    edit(graph)
    document["@graph"] = list(graph.values())
    rewrite(path, **{METADATA: json.dumps(document).encode()})


def found(path, severity=Severity.broken, **options):
    return {(f.kind, f.path) for f in audit_crate(path, **options).of(severity)}


def test_a_sound_crate_holds_and_names_what_it_cannot_check(crate):
    outcome = audit_crate(crate)
    assert outcome.holds
    assert outcome.folder == crate
    assert outcome.of(Severity.warning) == []
    assert {(f.kind, f.path) for f in outcome.of(Severity.unchecked)} == {
        (FindingKind.raw_data, "data/made"),
        (FindingKind.raw_data, f"{HOME}/segmentations"),
        (FindingKind.raw_data, f"{HOME}/slices"),
    }
    (volumes,) = [f for f in outcome.of(Severity.unchecked) if f.path == "data/made"]
    assert volumes.message.startswith("the crate describes 8 of its files and does not hold them")
    assert outcome.checked.counts["crate_files"] == len(read(crate))


def test_where_the_volumes_are_said_once_for_all(crate, inside):
    inside += [
        unchecked(
            FindingKind.missing, f"{HOME}/segmentations/unet/0", "2 of its files are not here", "x"
        ),
        unchecked(FindingKind.raw_data, "data/made", "8 of its files are not here", "x"),
        unchecked(FindingKind.workflow, f"{HOME}/config.yaml", "that was not asked for", "x"),
    ]
    messages = {f.path: f.message for f in audit_crate(crate).of(Severity.unchecked)}
    assert len(messages) == 4
    assert "needs the volumes, which a crate does not hold" in messages[f"{HOME}/config.yaml"]


@pytest.mark.parametrize("name", [TABLE, "workflow/Snakefile", "audit.json", "data/made/records/x"])
def test_a_file_that_was_changed_taken_away_or_added_is_named(crate, name):
    is_new = name not in read(crate)
    rewrite(crate, **{name: b"other"})
    assert found(crate) == {(FindingKind.unexplained if is_new else FindingKind.changed, name)}
    rewrite(crate, **{name: None})
    assert found(crate) == (set() if is_new else {(FindingKind.missing, name)})


def test_a_damaged_entry_is_named(crate):
    content = bytearray(crate.read_bytes())
    with zipfile.ZipFile(crate) as archive:
        info = archive.getinfo(TABLE)
        start = info.header_offset + 30 + len(info.filename) + len(info.extra)
    content[start + 30] ^= 0xFF
    crate.write_bytes(content)
    (finding,) = audit_crate(crate).of(Severity.broken)
    assert (finding.kind, finding.path) == (FindingKind.changed, TABLE)
    assert "cannot be unpacked" in finding.message


@pytest.mark.parametrize(
    ("entity", "key", "value"),
    [
        (JOB, "endTime", "2027-01-01T00:00:00+00:00"),
        (JOB, "instrument", {"@id": "workflow/Snakefile"}),
        (JOB, "result", []),
        ("#data/made/volume-2.nii", "sha256", "0" * 64),
        ("./", "description", "All is well."),
        ("#run", "object", []),
        ("#step/train", "position", "7"),
    ],
)
def test_a_description_that_says_something_else_than_the_records_is_named(
    crate, entity, key, value
):
    edit_description(crate, lambda graph: graph[entity].update({key: value}))
    (finding,) = audit_crate(crate).of(Severity.broken)
    assert (finding.kind, finding.path) == (FindingKind.record, METADATA)
    assert entity.replace("%3D", "=").replace("%2C", ",") in finding.message


def test_a_wrong_hash_of_a_file_that_is_as_its_job_wrote_it_is_the_descriptions(crate):
    edit_description(crate, lambda graph: graph[TABLE].update(sha256="0" * 64))
    (finding,) = audit_crate(crate).of(Severity.broken)
    assert (finding.kind, finding.path) == (FindingKind.record, METADATA)
    assert TABLE in finding.message


def test_statements_that_were_added_or_taken_away_are_named(crate):
    edit_description(crate, lambda graph: graph.pop(JOB))
    assert found(crate) == {(FindingKind.record, METADATA)}
    edit_description(crate, lambda graph: graph.update({JOB: {"@id": JOB, "@type": "Thing"}}))
    assert found(crate) == {(FindingKind.record, METADATA)}


def test_a_description_by_another_version_is_compared_with_files_alone(crate, monkeypatch):
    monkeypatch.setattr(audited, "_other_writer", lambda root: "another version wrote it")
    edit_description(crate, lambda graph: graph[JOB].update(endTime="2027"))
    assert found(crate) == set()
    assert (FindingKind.record, METADATA) in found(crate, Severity.unchecked)
    rewrite(crate, **{TABLE: b"other"})
    assert found(crate) == {(FindingKind.changed, TABLE)}


def test_the_writer_is_known_by_its_code_and_library(crate, tmp_path, monkeypatch):
    monkeypatch.undo()
    root = tmp_path / "unpacked"
    with zipfile.ZipFile(crate) as archive:
        archive.extractall(root)
    assert "another version of upwind wrote it" in audited._other_writer(root)
    repository = Path(__file__).resolve().parents[2]
    (root / "src/upwind").rename(root / "src/former")
    (root / "src/upwind").symlink_to(repository / "src/upwind")
    assert audited._other_writer(root) == f"rocrate None wrote it, {_rocrate()} is here"
    (root / "envs/requirements.txt").write_text(f"rocrate=={_rocrate()}\n")
    assert audited._other_writer(root) == ""


def _rocrate():
    import importlib.metadata

    return importlib.metadata.version("rocrate")


@pytest.mark.parametrize("text", [b"{}", b"no json", b'{"@graph": [1]}', None])
def test_a_description_that_cannot_be_read_is_named(crate, text):
    rewrite(crate, **{METADATA: text})
    assert found(crate) == {(FindingKind.record, METADATA)}


def test_other_packages_here_do_not_break_a_crate(crate, inside):
    inside.append(
        broken(FindingKind.package, "numpy", "2.4.6 when x ran, 1.0 now", "install it", ["y"])
    )
    outcome = audit_crate(crate)
    assert outcome.holds
    (finding,) = [f for f in outcome.of(Severity.unchecked) if f.kind is FindingKind.package]
    assert "nothing could be made again alike here" in finding.message


def test_other_code_breaks_a_crate_but_for_another_python(crate, inside, monkeypatch):
    inside.append(broken(FindingKind.code, "src/upwind/x.py", "it is not what it was", "go back"))
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3",))
    assert found(crate) == {(FindingKind.code, "src/upwind/x.py")}
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "99", "0"))
    assert found(crate) == set()
    assert (FindingKind.code, "src/upwind/x.py") in found(crate, Severity.unchecked)


def test_packages_other_than_the_pinned_ones_are_a_warning(crate):
    rewrite(crate, **{"envs/requirements.txt": b"numpy==2.5.0\n"})
    assert found(crate, Severity.warning) == {(FindingKind.package, "numpy")}


def test_a_crate_that_was_published_in_spite_of_the_audit_does_not_hold(
    experiment, crate, inside, tmp_path
):
    inside.append(
        broken(FindingKind.workflow, TABLE, "the workflow would run tabulate again", "run it")
    )
    forced = write.write_crate(experiment.results, tmp_path / "forced.zip", force=True)
    inside.clear()
    assert found(forced.path) == {(FindingKind.record, AUDIT)}


def test_deep_says_what_it_needs(crate):
    assert (FindingKind.number, f"{HOME}/scores.csv") in found(crate, Severity.unchecked, deep=True)


def test_files_that_are_no_crate(tmp_path, crate):
    other = tmp_path / "other.zip"
    other.write_bytes(b"no zip")
    with pytest.raises(UpwindError, match="no readable zip archive"):
        audit_crate(other)
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("README.md", "hello")
    with pytest.raises(UpwindError, match="does not hold one experiment"):
        audit_crate(other)
    with pytest.raises(UpwindError, match="no readable zip archive"):
        audit_crate(tmp_path / "missing.zip")


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "a\\evil"])
def test_nothing_is_unpacked_outside(crate, name):
    with zipfile.ZipFile(crate, "a") as archive:
        archive.writestr(name, "evil")
    with pytest.raises(UpwindError, match="is not unpacked"):
        audit_crate(crate)


def test_no_link_and_no_file_twice_is_unpacked(crate, tmp_path):
    copy = tmp_path / "copy.zip"
    copy.write_bytes(crate.read_bytes())
    link = zipfile.ZipInfo("results/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(crate, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UpwindError, match="results/link"):
        audit_crate(crate)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(copy, "a") as archive:
        archive.writestr(TABLE, "another table")
    with pytest.raises(UpwindError, match=r"table1\.csv"):
        audit_crate(copy)
