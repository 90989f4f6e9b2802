import errno
import signal
import subprocess
import sys
import threading

import pytest

from upwind.common.errors import UpwindError
from upwind.common.jobs import logged


def test_output_of_the_block_goes_to_the_log_alone(tmp_path, capsys):
    log = tmp_path / "logs" / "train" / "unet-0.log"
    with logged(str(log)):
        print("epoch 1")
        print("left: 3 s", file=sys.stderr)
    print("after")
    assert log.read_text() == "epoch 1\nleft: 3 s\n"
    assert capsys.readouterr() == ("after\n", "")


def test_an_error_of_the_users_is_one_line_in_the_log_and_on_the_terminal(tmp_path, capsys):
    log = tmp_path / "job.log"

    def job():
        with logged(log):
            print("started")
            raise UpwindError("volume-3.nii is truncated: download it again")

    with pytest.raises(SystemExit) as exit_info:
        job()
    assert exit_info.value.code == 1
    message = "Error: volume-3.nii is truncated: download it again\n"
    assert log.read_text() == "started\n" + message
    assert capsys.readouterr() == ("", message)


def test_any_other_error_passes_with_its_traceback_in_the_log(tmp_path):
    log = tmp_path / "job.log"
    with pytest.raises(ZeroDivisionError), logged(log):
        1 / 0  # noqa: B018
    text = log.read_text()
    assert text.startswith("Traceback (most recent call last):")
    assert text.endswith("ZeroDivisionError: division by zero\n")


def test_a_log_is_replaced_and_written_line_by_line(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("of the run before\n")
    with logged(log):
        print("epoch 1")
        assert log.read_text() == "epoch 1\n"


JOB = """
import sys
from upwind.common.errors import UpwindError
from upwind.common.jobs import logged
with logged(sys.argv[1]):
    raise {error}
"""


@pytest.mark.parametrize(
    ("error", "traceback"), [("UpwindError('bad case')", False), ("OSError('disk full')", True)]
)
def test_a_process_that_fails_says_so_on_the_terminal(tmp_path, error, traceback):
    log = tmp_path / "job.log"
    arguments = [sys.executable, "-c", JOB.format(error=error), str(log)]
    result = subprocess.run(arguments, capture_output=True, text=True)
    assert result.returncode == 1
    for text in (result.stderr, log.read_text()):
        assert ("Traceback" in text) is traceback
        assert ("bad case" in text) is not traceback
        assert ("disk full" in text) is traceback
    assert result.stdout == ""


# A machine that runs out -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space is left on its file system"),
        (
            PermissionError(errno.EACCES, "denied", "/data/x"),
            "/data/x cannot be opened: ",
        ),
        (MemoryError("Unable to allocate 3.0 GiB"), "needs more memory than is free (Unable to"),
    ],
)
def test_a_shortage_is_one_line_in_the_log_and_on_the_terminal(tmp_path, capsys, error, said):
    log = tmp_path / "job.log"

    def job():
        with logged(log):
            raise error

    with pytest.raises(SystemExit) as exit_info:
        job()
    assert exit_info.value.code == 1
    assert log.read_text().count("\n") == 1
    assert said in log.read_text()
    assert capsys.readouterr().err == log.read_text()


def test_a_log_that_cannot_be_opened_ends_the_job_before_it_starts(tmp_path, capsys):
    def job():
        with logged(tmp_path):  # a folder
            pytest.fail("the job has started")

    with pytest.raises(SystemExit) as exit_info:
        job()
    assert exit_info.value.code == 1
    assert capsys.readouterr().err.startswith(f"Error: the log {tmp_path} cannot be written")


FULL = """
import os, sys
from upwind.common.files import write_text
from upwind.common.jobs import logged
with logged(sys.argv[1] + "/job.log"):
    for line in range(int(sys.argv[2])):
        print("x" * 100)
    write_text(sys.argv[1] + "/result.txt", "x" * 1_000_000)
"""


@pytest.mark.parametrize("lines", [1, 10_000], ids=["the result's", "its own"])
def test_a_job_says_so_once_though_its_log_is_on_the_full_disk_too(small_disk, lines):
    arguments = [sys.executable, "-c", FULL, str(small_disk), str(lines)]
    result = subprocess.run(arguments, capture_output=True, text=True, check=False)
    name = "result.txt" if lines == 1 else "job.log"
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: {small_disk}/{name} was not written: no space is left")
    assert result.stderr.count("\n") == 1
    assert [path.name for path in small_disk.iterdir()] == ["job.log"]


STOPPED = """
import sys, time
from upwind.common.files import atomic_path
from upwind.common.jobs import logged
with logged(sys.argv[1] + "/job.log"), atomic_path(sys.argv[1] + "/result.txt") as temporary:
    temporary.write_text("half")
    print("ready", file=sys.__stdout__, flush=True)
    time.sleep(60)
"""


def test_sigterm_ends_a_job_that_cleans_up_behind_itself(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    assert process.communicate(timeout=30)[1] == "Error: stopped by SIGTERM\n"
    assert process.returncode == 128 + signal.SIGTERM
    assert (tmp_path / "job.log").read_text() == "Error: stopped by SIGTERM\n"
    assert [path.name for path in tmp_path.iterdir()] == ["job.log"]


def test_the_handler_before_is_put_back(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with logged(tmp_path / "job.log"):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_job_in_a_thread_leaves_signals_alone(tmp_path):
    def job():
        with logged(tmp_path / "job.log"):
            print("done")

    thread = threading.Thread(target=job)
    thread.start()
    thread.join()
    assert (tmp_path / "job.log").read_text() == "done\n"
