"""A key that stands twice in a file is said, with the lines."""

from pathlib import Path

import pytest

from upwind.common.errors import UpwindError
from upwind.settings.duplicates import check_written_once

ROOT = Path(__file__).resolve().parents[2]


def said(path, text):
    path.write_text(text)
    with pytest.raises(UpwindError) as error:
        check_written_once([path])
    head, *lines, end = str(error.value).splitlines()
    assert head == "settings are written twice:"
    assert end == "The first would be lost: keep one of them."
    return [line.removeprefix(f"  - {path}, ") for line in lines]


def test_every_key_that_stands_twice_is_named_with_its_lines(tmp_path):
    text = """\
experiment: mine
seed: 1
lsn: {dt: 0.25, dt: 0.5}
variants:
  mine: {of: lsn}
  other: {of: unet}
  mine: {of: unet}
studies:
  some:
    folds: all
    seeds: [0]
    folds: [1]
seed: 2
seed: 3
"""
    assert said(tmp_path / "my.yaml", text) == [
        "line 3: lsn.dt stands in line 3 already",
        "line 7: variants.mine stands in line 5 already",
        "line 12: studies.some.folds stands in line 10 already",
        "line 13: seed stands in line 2 already",
        "line 14: seed stands in line 2 already",
    ]


def test_json_too(tmp_path):
    assert said(tmp_path / "my.json", '{"seed": 1,\n "unet": {}, "seed": 2}') == [
        "line 2: seed stands in line 1 already"
    ]


def test_several_files_are_looked_at(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("seed: 1")
    bad.write_text("seed: 1\nseed: 1")
    with pytest.raises(UpwindError, match=r"bad\.yaml, line 2: seed stands in line 1 already"):
        check_written_once([good, bad])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "a: &x {k: 1}\nb: *x\nc: *x",
        "a: {k: 1}\nb: {k: 1}",
        "base: &b {k: 1}\nc:\n  <<: *b\n  k: 2",
        "- a: 1\n- a: 2",
        "1: a\n'1': b",
        "a: [b: {",
    ],
)
def test_what_is_not_written_twice_passes(tmp_path, text):
    """So does what is no YAML: who reads it says what is wrong with it."""
    (tmp_path / "my.yaml").write_text(text)
    check_written_once([tmp_path / "my.yaml"])


def test_the_repositorys_own_files():
    files = sorted(ROOT.glob("config/*.yaml"))
    assert len(files) >= 2
    check_written_once(files)
