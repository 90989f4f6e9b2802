"""Bad days of a small run: a disk that is full, a second run beside it, a folder with spaces and
any letters in its path, a clock that was set back. One message each, nothing half-written, and the
same command goes on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta

import nibabel as nib
import numpy as np
import pytest
from safetensors import safe_open

from forged import content, sealed

CASES = (0, 3, 7)
TARGET = "results/small/split.csv"
SETTINGS = {
    "experiment": "small",
    "folds": 3,
    "image_size": 256,
    "dataset": {"kind": "lits", "root": "raw"},
}


def write_cases(folder):
    """Noise with a block of liver."""
    folder.mkdir()
    for case in CASES:
        noise = np.random.default_rng(case).integers(-100, 200, (24, 24, 6), np.int16)
        liver = np.zeros(noise.shape, np.uint8)
        liver[4:16, 6:18, 1:5] = 1
        for name, values in (("volume", noise), ("segmentation", liver)):
            image = nib.Nifti1Image(values, np.diag([3.0, 3.0, 5.0, 1.0]))
            nib.save(image, folder / f"{name}-{case}.nii.gz")


class Run:
    """A small run in a workplace."""

    def __init__(self, workplace, **others):
        self.folder, self.workplace = workplace.folder, workplace
        write_cases(self.folder / "raw")
        self.settings = [workplace.configure(SETTINGS | others)]

    def go(self, *arguments):
        """Run it: exit code, and what a user sees."""
        done = self.workplace.snakemake(*(arguments or [TARGET]), configfiles=self.settings)
        return done.returncode, done.stdout

    def assert_whole(self):
        """What is there can be read to its end, and nothing is left of what failed."""
        results = self.folder / "results/small"
        for path in results.glob("slices/*.safetensors"):
            with safe_open(path, framework="np") as file:
                assert all(len(file.get_tensor(name)) == 6 for name in file.keys())  # noqa: SIM118
        assert not list(results.rglob(".partial*"))


@pytest.fixture
def run(workplace):
    return Run(workplace)


@pytest.fixture
def disk(tmp_path, workplace_in):
    """A small run on a file system of 32 MB, and a function that leaves so many bytes free."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m,mode=755", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system is not permitted here")

    def leave(free):
        filler = folder / "filler"
        filler.unlink(missing_ok=True)
        filler.write_bytes(bytes(max(0, shutil.disk_usage(folder).free - free)))

    yield Run(workplace_in(folder)), leave
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_is_full_at_four_sizes(disk):
    """Slices take 1.2 MB a case: first Snakemake finds no room, then none of them, then one more
    each time."""
    run, leave = disk
    for free, made in ((20_000, 0), (1_100_000, 0), (1_400_000, 1), (1_400_000, 2)):
        leave(free)
        code, said = run.go("--cores", "1", TARGET)
        assert code != 0
        assert "no space is left on its file system" in said
        assert "Traceback" not in said
        assert not (run.folder / TARGET).exists()
        run.assert_whole()
        assert len([*run.folder.glob("results/small/slices/*")]) == made
    leave(20_000_000)
    code, said = run.go()
    assert code == 0, said
    run.assert_whole()
    assert "Nothing to be done" in run.go()[1]


def test_a_second_run_is_refused_and_the_first_does_not_notice(run):
    # By a plain Python, so that its jobs are of its process group.
    first = subprocess.Popen(
        run.workplace.command(TARGET, configfiles=run.settings, python=sys.executable),
        cwd=run.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    locks = run.folder / ".snakemake/locks"
    while not list(locks.glob("*")):
        assert first.poll() is None, "it ended too soon"
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGSTOP)
    code, said = run.go()
    os.killpg(first.pid, signal.SIGCONT)
    assert code != 0
    assert "Directory cannot be locked" in said
    assert "Traceback" not in said
    assert first.wait(300) == 0
    run.assert_whole()
    assert "Nothing to be done" in run.go()[1]


def test_a_folder_with_spaces_and_any_letters_in_its_path(tmp_path, workplace_in, repository):
    """Of the data and results, and of the sources; Python alone has to be elsewhere."""
    folder = tmp_path / "My Documents/Klinik für Leber/肝臓 (2)"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("workflow", "src", "envs"):
        shutil.copytree(repository / name, folder / name, ignore=ignored)
    workplace = workplace_in(folder)
    workplace.snakefile = folder / "workflow/Snakefile"
    run = Run(workplace, image_size=16, lsn={"steps": 4, "epochs": 1})
    code, said = run.go(TARGET, "results/small/networks/lsn/0/weights.safetensors")
    assert code == 0, said
    run.assert_whole()
    assert "Nothing to be done" in run.go()[1]


def an_hour_later(value):
    """A record of a machine whose clock went an hour before ours."""
    if isinstance(value, list):
        return [an_hour_later(part) for part in value]
    if not isinstance(value, dict):
        return value
    later = {key: an_hour_later(part) for key, part in value.items()}
    if "mtime_ns" in value:
        later["mtime_ns"] += 3600 * 10**9
    for key in {"started", "ended"} & value.keys():
        moment = datetime.fromisoformat(value[key]) + timedelta(hours=1)
        later[key] = moment.isoformat()
    return later


def test_a_clock_that_was_set_back(run):
    """All that was made is dated an hour from now."""
    assert run.go()[0] == 0
    for path in (run.folder / "results").rglob("*"):
        if "records" in path.parts and path.is_file():
            path.write_text(sealed(an_hour_later(content(path))))
        date = path.stat().st_mtime_ns + 3600 * 10**9
        os.utime(path, ns=(date, date))
    code, said = run.go()
    assert code == 0, said
    assert "Nothing to be done" in said
    (run.folder / TARGET).unlink()
    code, said = run.go()
    assert code == 0, said
    assert "Nothing to be done" in run.go()[1]
