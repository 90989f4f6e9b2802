import errno
import json
import os
import socket
import stat
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from upwind.common.errors import StorageError, UpwindError
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


# A disk that is full, or that may not be written to ---------------------------------------------


def failing_with(number, tmp_path, name=None):
    """Write half of ``a.csv``, then fail as the system does; ``name`` is the file it names."""
    with atomic_path(tmp_path / "a.csv") as temporary:
        temporary.write_text("half")
        raise OSError(number, os.strerror(number), name)


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG, errno.EIO]
)
def test_what_a_disk_does_not_take_is_one_message_and_the_old_file_stays(tmp_path, number):
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(StorageError, match=r"a\.csv was not written: .*run the same command") as e:
        failing_with(number, tmp_path)
    assert e.value.errno == number
    assert listing(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "old"


def test_an_error_about_a_file_that_is_read_passes(tmp_path):
    with pytest.raises(PermissionError) as e:
        failing_with(errno.EACCES, tmp_path, "/data/volume-3.nii")
    assert not isinstance(e.value, UpwindError)
    assert listing(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(type(tmp_path), "mkdir", refuse)
    with pytest.raises(StorageError, match=r"new/a\.txt was not written: this user may not write"):
        write_text(tmp_path / "new" / "a.txt", "x")


def test_what_is_in_the_way_is_told(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="folder was not written: a folder of that name"):
        write_text(tmp_path / "folder", "x")
    for path in (tmp_path / "file" / "a.txt", tmp_path / "file" / "b" / "a.txt"):
        with pytest.raises(StorageError, match=r"a\.txt was not written: a file is where"):
            write_text(path, "x")
    assert listing(tmp_path) == ["file", "folder"]


def test_a_message_of_an_inner_file_is_not_replaced(tmp_path):
    def both():
        with atomic_path(tmp_path / "outer.txt"):
            failing_with(errno.ENOSPC, tmp_path)

    with pytest.raises(StorageError, match=r"a\.csv was not written"):
        both()


def test_what_the_disk_finds_out_late_is_found_before_the_file_has_its_name(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no space is left"):
        write_text(tmp_path / "a.txt", "x")
    assert listing(tmp_path) == []


WRITERS = {
    "text": "write_text(folder / 'a.txt', 'x' * 2_000_000)",
    "csv": "write_csv(folder / 'a.csv', pd.DataFrame(noise.reshape(-1, 10)))",
    "mask": "write_mask(folder / 'a.nii.gz', noise.reshape(100, 50, 50) > 0.5, grid)",
    "slices": "write_slices(folder / 'a.safetensors', slices)",
    "figure": "save(figure, folder / 'a.png')",
    "drawing": "save(figure, folder / 'a.pdf')",
}
WRITE = """
import resource, sys
from pathlib import Path
import matplotlib; matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from upwind.common.errors import StorageError
from upwind.common.files import write_csv, write_text
from upwind.data.slices import Slices, write_slices
from upwind.data.volumes import Grid, write_mask
from upwind.figures.style import save

folder = Path(sys.argv[1])
noise = np.random.default_rng(0).random(250_000)
grid = Grid((100, 50, 50), np.eye(4))
image = (noise * 1e9).astype(np.int16).reshape(100, 50, 50)
slices = Slices(0, grid, image, image.astype(np.uint8), np.ones(100, np.uint8))
figure, axes = plt.subplots()
axes.imshow(noise.reshape(500, 500), interpolation="none")
if len(sys.argv) > 3:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), -1))
for line in sys.argv[2].splitlines():
    try:
        exec(line)
    except StorageError as error:
        print(error)
    else:
        print("written")
"""


def write_all(folder, *limit):
    """Messages of all writers, by their names, in a process that may not write large files."""
    arguments = [sys.executable, "-c", WRITE, str(folder), "\n".join(WRITERS.values()), *limit]
    said = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    return dict(zip(WRITERS, said.splitlines(), strict=True))


def test_every_kind_of_file_says_so_when_it_may_not_grow(tmp_path):
    for writer, said in write_all(tmp_path, "10000").items():
        assert "was not written: it is larger than" in said, writer
        assert "(`ulimit -f`)" in said, writer
    assert listing(tmp_path) == []


def test_every_kind_of_file_says_so_on_a_full_disk_and_leaves_no_part(small_disk):
    for writer, said in write_all(small_disk).items():
        assert "was not written: no space is left on its file system (0.0 of 0.0 GB" in said, writer
    assert listing(small_disk) == []
    assert os.statvfs(small_disk).f_bfree == os.statvfs(small_disk).f_blocks


def test_every_kind_of_file_says_so_on_a_read_only_disk(small_disk):
    (small_disk / "a.txt").write_text("old")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for writer, said in write_all(small_disk).items():
        assert "was not written: its file system is read-only" in said, writer
    assert listing(small_disk) == ["a.txt"]


# What a killed process left behind -------------------------------------------

KILLED = """
import os, signal, sys
from upwind.common.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_attempt_removes_what_a_killed_one_left(tmp_path):
    for name in ("a.csv", "b.csv"):
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / name)], check=False)
    left = listing(tmp_path)
    assert [name.rpartition("-")[2] for name in left] == ["a.csv", "b.csv"]
    write_text(tmp_path / "a.csv", "whole")
    assert listing(tmp_path) == sorted(["a.csv", *(n for n in left if n.endswith("b.csv"))])


def test_what_is_being_written_stays(tmp_path):
    """Of a process that runs; of another machine, unless it has not been touched for a day."""
    elsewhere = tmp_path / f".partial-not-{socket.gethostname()}-1-abc-a.csv"
    elsewhere.write_text("half")
    with atomic_path(tmp_path / "a.csv") as outer:
        outer.write_text("first")
        write_text(tmp_path / "a.csv", "second")
        assert outer.exists()
    assert (tmp_path / "a.csv").read_text() == "first"
    assert elsewhere.exists()
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(elsewhere, (two_days_ago, two_days_ago))
    write_text(tmp_path / "a.csv", "third")
    assert listing(tmp_path) == ["a.csv"]
