import json
import os
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from upwind.common.files import atomic_path, write_csv, write_json, write_text


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_only_when_the_block_has_succeeded(tmp_path):
    final = tmp_path / "scores.csv"
    with atomic_path(final) as temporary:
        temporary.write_text("whole")
        assert not final.exists()
        assert temporary.parent == tmp_path  # the same file system: a rename is atomic
    assert final.read_text() == "whole"
    assert listing(tmp_path) == ["scores.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [None, "old"])
def test_an_interrupted_write_leaves_no_part_and_the_old_file(tmp_path, error, old):
    final = tmp_path / "table1.csv"
    if old:
        final.write_text(old)

    def interrupted():
        with atomic_path(final) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert listing(tmp_path) == (["table1.csv"] if old else [])
    assert not old or final.read_text() == old


def test_a_block_that_writes_nothing_to_the_path_replaces_by_nothing_stale(tmp_path):
    """Libraries that write their own temporary file and rename it over ours work too."""
    final = tmp_path / "a.txt"
    with atomic_path(final) as temporary:
        other = tmp_path / "other"
        other.write_text("renamed")
        other.replace(temporary)
    assert final.read_text() == "renamed"


@pytest.mark.parametrize("name", ["mask.nii.gz", "figure2.png", "weights.safetensors"])
def test_the_temporary_name_ends_like_the_final_one(tmp_path, name):
    with atomic_path(tmp_path / name) as temporary:
        assert temporary.name.endswith(name)


def test_missing_folders_are_made_and_text_paths_accepted(tmp_path):
    write_text(str(tmp_path / "results" / "demo" / "a.txt"), "x")
    assert (tmp_path / "results" / "demo" / "a.txt").read_text() == "x"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)])
def test_files_are_shared_as_the_umask_says(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a.txt", "x")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == mode


def test_text_is_utf8_whatever_the_locale(tmp_path):
    call = r"write_text(sys.argv[1], '\u00b5 \u2013 \u00e9')"
    code = f"import sys; from upwind.common.files import write_text; {call}"
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.txt")], env=environment, check=True
    )
    assert (tmp_path / "a.txt").read_bytes() == "µ – é".encode()


def test_json_keeps_order_and_ends_with_a_newline(tmp_path):
    value = {"b": [1, 2.5, None], "a": "text"}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == value
    assert list(json.loads(text)) == ["b", "a"]
    assert text.endswith("}\n")


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", {"good": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"bad": object()})
    assert json.loads((tmp_path / "a.json").read_text()) == {"good": 1}
    assert listing(tmp_path) == ["a.json"]


def test_csv_keeps_every_digit_and_undefined_values(tmp_path):
    values = np.random.default_rng(0).normal(size=200) * 10.0 ** np.arange(-100, 100)
    table = pd.DataFrame({"case": range(201), "dsc": [*values, np.nan]})
    write_csv(tmp_path / "a.csv", table)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == "case,dsc"
    assert [float(line.split(",")[1]) for line in lines[1:-1]] == values.tolist()
    assert lines[-1] == "200,"
