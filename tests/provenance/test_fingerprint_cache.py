"""Fingerprints kept between runs: by content alone, and of no harm when they are damaged."""

import json
import subprocess
import sys

import pytest

from upwind.provenance.fingerprint import source_fingerprint
from upwind.provenance.fingerprint_cache import Known

SOURCE = "x = 1\n"
LOOK = """
import sys
from pathlib import Path
from upwind.provenance import fingerprint
made = []
original = fingerprint.source_fingerprint
fingerprint.source_fingerprint = lambda source: made.append(source) or original(source)
fingerprint.remember()
print(fingerprint.file_fingerprint(Path(sys.argv[1])), len(made))
"""


def look(folder, path):
    """Fingerprint of a file as a workflow sees it, and how often it was computed."""
    command = [sys.executable, "-c", LOOK, str(path)]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert said.stderr == ""
    digest, made = said.stdout.split()
    return digest, int(made)


@pytest.fixture
def project(tmp_path):
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / "module.py").write_text(SOURCE)
    return tmp_path


def notes(project):
    return project / ".snakemake/upwind-sources.json"


def test_a_source_met_before_is_not_parsed_again(project):
    digest = source_fingerprint(SOURCE)
    assert look(project, project / "module.py") == (digest, 1)
    assert look(project, project / "module.py") == (digest, 0)


def test_another_source_is(project):
    look(project, project / "module.py")
    (project / "module.py").write_text("x = 2\n")
    assert look(project, project / "module.py") == (source_fingerprint("x = 2\n"), 1)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"maker": "another", "found": {}}'])
def test_damaged_or_foreign_notes_are_left_aside(project, text):
    notes(project).write_text(text)
    assert look(project, project / "module.py") == (source_fingerprint(SOURCE), 1)
    assert len(json.loads(notes(project).read_text())["found"]) == 1


def test_without_snakemakes_folder_nothing_is_written(tmp_path):
    (tmp_path / "module.py").write_text(SOURCE)
    look(tmp_path, tmp_path / "module.py")
    assert [path.name for path in tmp_path.iterdir()] == ["module.py"]


def test_another_maker_forgets(project, monkeypatch):
    monkeypatch.chdir(project)
    first = Known("one way")
    first.set(SOURCE, "digest")
    first._save()
    assert Known("one way").get(SOURCE) == "digest"
    assert Known("another way").get(SOURCE) is None
